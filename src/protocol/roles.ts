/** What a node does: answer requests, send pushes, send webhooks. */
export const roles = ['api', 'fan-out', 'webhooks'] as const;
export type Role = (typeof roles)[number];
