import type { JsonObject } from '../../protocol/json.ts';
import type { Platform } from '../../protocol/ids.ts';
import { platforms } from '../../protocol/ids.ts';
import type { ApnsContent, FcmContent, WebContent } from '../ports/gateway.ts';
import type { Sealed } from '../ports/instance-store.ts';
import type { PublishKey } from '../ports/publish-store.ts';
import { publishBodyPlace } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';

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

export const contentPlatforms = (content: PublishContent): Platform[] =>
  platforms.filter((platform) => content[platform] !== undefined);

export const openPublishBody = (sealer: Sealer, publish: PublishKey, sealed: Sealed): PublishBody =>
  JSON.parse(sealer.open(publishBodyPlace(publish), sealed).toString()) as PublishBody;
