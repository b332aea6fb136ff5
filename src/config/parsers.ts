import { isIP } from 'node:net';
import type { Parsed } from './setting.ts';

const ok = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const expected = (text: string): Parsed<never> => ({ ok: false, expected: text });

export const parseText = (text: string): Parsed<string> => (text.trim() === '' ? expected('a value') : ok(text));

export const parseSwitch = (text: string): Parsed<boolean> =>
  text === 'true' || text === 'false' ? ok(text === 'true') : expected('`true` or `false`');

/** A whole number from `min` to `max`. */
export const parseNumber =
  (min: number, max: number) =>
  (text: string): Parsed<number> =>
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max
      ? ok(Number(text))
      : expected(`a whole number from ${min} to ${max}`);

export const parseOneOf =
  <Word extends string>(words: readonly Word[]) =>
  (text: string): Parsed<Word> => {
    const word = words.find((known) => known === text);
    return word === undefined ? expected(`one of ${words.map((known) => `\`${known}\``).join(', ')}`) : ok(word);
  };

/** Items between commas, without the blanks around them. */
export const parseList =
  <Item>(parseItem: (text: string) => Parsed<Item>) =>
  (text: string): Parsed<readonly Item[]> => {
    const items: Item[] = [];
    for (const part of text.split(',').map((each) => each.trim())) {
      const item = parseItem(part);
      if (!item.ok) return expected(`a list of ${item.expected}, separated by commas (\`${part}\` is not)`);
      items.push(item.value);
    }
    return ok(items);
  };

/** An address or an address with a prefix length; gives the latter: `10.0.0.1` becomes `10.0.0.1/32`. */
export function parseNetwork(text: string): Parsed<string> {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  const maxBits = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? maxBits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (version === 0 || address.includes('%') || bits > maxBits || rest.length > 0) {
    return expected('networks like `10.0.0.0/8` or `fd00::/8`');
  }
  return ok(`${address}/${bits}`);
}

/** A network that is not everybody's: who believes any caller's `X-Forwarded-For` believes nobody's address. */
export function parseProxyNetwork(text: string): Parsed<string> {
  const network = parseNetwork(text);
  return network.ok && network.value.endsWith('/0')
    ? expected('networks like `10.0.0.0/8` or `fd00::/8`, not everybody')
    : network;
}

/** A host name in lower case, perhaps with `*.` in front and a port behind. */
export function parseHostPattern(text: string): Parsed<string> {
  const pattern = text.toLowerCase();
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
  const looksRight = new RegExp(`^(\\*\\.)?${label}(\\.${label})*(:[1-9][0-9]{0,4})?$`).test(pattern);
  // Ports that are too high, names that end like an IPv4 address and are none.
  return looksRight && URL.canParse(`https://${pattern.replace('*.', '')}`)
    ? ok(pattern)
    : expected('host names like `push.example.com`, `*.push.example.com` or `push.example.com:8443`');
}

/** `https://push.example.com`: nothing after the port. */
export function parseOrigin(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  return isOrigin
    ? ok(url.origin)
    : expected('an address like `https://push.example.com`, with nothing after the host and port');
}

/** `postgres://user:password@host:port/database`, or the same with `postgresql:`. */
export function parseDatabaseUrl(text: string): Parsed<string> {
  const isDatabase = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
  return isDatabase ? ok(text) : expected('an address like `postgres://user:password@host:5432/database`');
}

/** RFC 8292, section 2.1: "a contact URI for the application server as either a mailto: (email) or an https: URI". */
export function parseContact(text: string): Parsed<string> {
  const isContact = /^mailto:[^\s@]+@[^\s@]+$/.test(text) || (/^https:\/\/\S+$/.test(text) && URL.canParse(text));
  return isContact ? ok(text) : expected('`mailto:` and an e-mail address, or an `https:` address');
}
