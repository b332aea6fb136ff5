import type { Platform } from '../../protocol/ids.ts';
import { platforms } from '../../protocol/ids.ts';
import type { Sealed } from '../ports/instance-store.ts';
import type { PublishBody, PublishContent } from '../ports/publish-body.ts';
import { publishBodyPlace } from '../ports/publish-store.ts';
import type { PublishKey } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';

export const contentPlatforms = (content: PublishContent): Platform[] =>
  platforms.filter((platform) => content[platform] !== undefined);

export const openPublishBody = (sealer: Sealer, publish: PublishKey, sealed: Sealed): PublishBody =>
  JSON.parse(sealer.open(publishBodyPlace(publish), sealed).toString()) as PublishBody;
