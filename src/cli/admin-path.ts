/** A path of the admin API, below `/admin/v1`; its parts may be what operators typed. */
export const adminPath = (...parts: readonly (string | undefined)[]): string =>
  parts.map((part) => `/${encodeURIComponent(String(part))}`).join('');
