/**
 * Takes user and password out of a URL and makes the `Basic` header of them (RFC 7617), as Beams does: the user info is
 * not part of the requested URL.
 */
export function splitCredentials(target: URL): { readonly url: URL; readonly authorization: string | null } {
  if (!target.username && !target.password) return { url: target, authorization: null };
  const credentials = `${percentDecode(target.username)}:${percentDecode(target.password)}`;
  const url = new URL(target);
  url.username = '';
  url.password = '';
  return { url, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** URLs may hold a bare `%`, which stands for itself. */
const percentDecode = (text: string): string =>
  Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
