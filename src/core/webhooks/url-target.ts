import { createHmac } from 'node:crypto';
import { urlTargetPrefix } from '../ports/message-store.ts';

/**
 * The target of a `webhookUrl`: all of one scheme, host and port share it, and what is wrong with one host is no other's
 * business. It says nothing about the host to those who lack the key. With another key the same hosts are other targets,
 * which costs no more than that what was known of them is not.
 */
export const urlTarget = (url: string, secretKey: string): string =>
  urlTargetPrefix + createHmac('sha256', secretKey).update(new URL(url).origin).digest('base64url').slice(0, 22);
