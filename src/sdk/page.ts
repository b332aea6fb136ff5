/** The page script: `<script src="https://<pharos>/pharos/page.js" async>` sets `Pharos` and the classic `OneSignal`. */
import { installOneSignal } from './classic/install-one-signal.ts';
import { Client, RegistrationState, TokenProvider } from './module.ts';

Object.assign(window, { Pharos: { Client, RegistrationState, TokenProvider } });
installOneSignal();
