import { describe, expect, it } from 'vitest';
import { generateKeyring, parseKeyring } from './keyring.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const file = (value: unknown): string => JSON.stringify(value);

describe('keyring', () => {
  it('reads what it generates, and each is another', () => {
    expect(parseKeyring(generateKeyring())).toHaveLength(1);
    expect(generateKeyring()).not.toBe(generateKeyring());
  });

  it('keeps the order of the keys', () => {
    const keys = [
      { id: '00000002', key },
      { id: '00000001', key },
    ];
    expect(parseKeyring(file({ version: 1, keys })).map(({ id }) => id)).toEqual(['00000002', '00000001']);
  });

  it.each([
    ['not JSON', `{"version": 1, "keys": [{"id": "00000001", "key": "${key}"`, /not JSON/],
    ['not an object', '[]', /not a JSON object/],
    ['a later version', file({ version: 2, keys: [] }), /version/],
    ['no list', file({ version: 1 }), /not a list/],
    ['no key', file({ version: 1, keys: [] }), /no key/],
    ['a key without id', file({ version: 1, keys: [{ key }] }), /key 1 of the keyring has no id/],
    ['a short key', file({ version: 1, keys: [{ id: '00000001', key: key.slice(4) }] }), /00000001.*32 bytes/],
    [
      'an id twice',
      file({
        version: 1,
        keys: [
          { id: '00000001', key },
          { id: '00000001', key },
        ],
      }),
      /same id/,
    ],
  ])('refuses %s without quoting keys', (_, text, message) => {
    expect(() => parseKeyring(text)).toThrow(message);
    expect(() => parseKeyring(text)).not.toThrow(key.slice(4, 20));
  });
});
