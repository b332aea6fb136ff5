import type { renderInstance, renderInstanceWithKey } from '../wire/admin/render.ts';
import { formatFields } from './format-text.ts';

export type ListedInstance = ReturnType<typeof renderInstance>;
export type ShownInstance = ReturnType<typeof renderInstanceWithKey>;

export const instanceText = ({
  id,
  name,
  secretKey,
  previousSecretKeyEndsAt,
  vapidPublicKey,
  allowedOrigins,
  feed,
  createdAt,
}: ShownInstance): string =>
  formatFields({
    'instance id': id,
    name,
    'secret key': secretKey,
    'previous one ends': previousSecretKeyEndsAt,
    'VAPID public key': vapidPublicKey,
    'allowed origins': allowedOrigins ?? 'any',
    feed: feed ? 'on' : 'off',
    'created at': createdAt,
  });
