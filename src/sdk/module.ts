/** What a bundler imports: the client, for pages that do not load the page script from the server. */
import { watchClose } from '../browser/watch-close.ts';

export type { ClientOptions } from './client.ts';
export { Client, RegistrationState } from './client.ts';
export type { WebhookOptions } from './parse-webhooks.ts';
export type { TokenProviderOptions, UserTokens } from './token-provider.ts';
export { TokenProvider } from './token-provider.ts';

if ('Notification' in globalThis) watchClose('record-first');
