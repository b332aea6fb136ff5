/** The page script: `<script src="https://<pharos>/pharos/page.js" async>` sets `Pharos` and the classic `OneSignal`. */
import { watchClose } from '../browser/watch-close.ts';
import { installOneSignal } from './classic/install-one-signal.ts';
import { Client, RegistrationState } from './client.ts';
import { TokenProvider } from './token-provider.ts';

Object.assign(window, { Pharos: { Client, RegistrationState, TokenProvider } });
if ('Notification' in window) watchClose('record-first');
installOneSignal();
