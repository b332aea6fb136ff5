import type { JsonObject } from '../../protocol/json.ts';
import type { ApnsContent, FcmContent, WebContent } from './gateway.ts';

/** What a publish says, per platform; at least one. */
export interface PublishContent {
  readonly web?: WebContent;
  readonly fcm?: FcmContent;
  readonly apns?: ApnsContent;
}

/** What is stored of a request, sealed: it holds people's messages and perhaps credentials. */
export interface PublishBody {
  readonly content: PublishContent;
  /** The request as its sender wrote it, to be shown to the sender; left out by wires that show none. */
  readonly request?: JsonObject;
  /** When the time to live begins (milliseconds since 1970), if not when the publish was accepted. */
  readonly sendAfter?: number;
  readonly webhook?: {
    /** As requested, credentials included. */
    readonly url: string;
    /** Sent back in the publish webhooks. Holds no names of users: `users` is filled in when they are sent. */
    readonly requestBody: JsonObject;
  };
}
