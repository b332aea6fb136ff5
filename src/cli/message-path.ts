/** Of a message in the admin API. */
export const messagePath = (instance: string | undefined, message: string | undefined): string =>
  `/instances/${encodeURIComponent(String(instance))}/messages/${encodeURIComponent(String(message))}`;
