/** What receivers of webhooks import. */
export { parse } from './parse.ts';
export type { VerifiedWebhook, VerifyOptions, WebhookHeaders } from './verify.ts';
export { verify } from './verify.ts';
export type { NodeRequest, VerifyRequestOptions } from './verify-request.ts';
export { verifyNodeRequest, verifyRequest } from './verify-request.ts';
export type { WebhookErrorReason } from './webhook-error.ts';
export { WebhookError } from './webhook-error.ts';
export type { ClassicWebhook, InstanceEvent, PublishWebhook, UnknownEvent, WebhookEvent } from './webhook-event.ts';
