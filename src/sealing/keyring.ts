import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Key ids are this many random bytes. */
export const keyIdBytes = 4;
const keyBytes = 32;

/** A master key. */
export interface MasterKey {
  /** 8 hex digits. */
  readonly id: string;
  readonly key: KeyObject;
  /** It is to seal once every node has it; stands behind the key that seals until then. */
  readonly upcoming?: true;
}

/** The first key seals, all of them open; at least one. */
export type Keyring = readonly [MasterKey, ...MasterKey[]];

export const generateMasterKey = (): MasterKey => ({
  id: randomBytes(keyIdBytes).toString('hex'),
  key: createSecretKey(randomBytes(keyBytes)),
});

/** Text of a keyring file. */
export function formatKeyring(keyring: Keyring): string {
  const keys = keyring.map(({ id, key, upcoming }) => ({
    id,
    key: key.export().toString('base64'),
    ...(upcoming && { upcoming }),
  }));
  return `${JSON.stringify({ version: 1, keys }, null, 2)}\n`;
}

/** Text of a new keyring file with one random key. */
export const generateKeyring = (): string => formatKeyring([generateMasterKey()]);

/**
 * Reads the text of a keyring file: `{"version": 1, "keys": [{"id": <8 hex digits>, "key": <base64 of 32 bytes>}, …]}`;
 * a key that is to seal later has `"upcoming": true`.
 * Throws with what is wrong, never with what the file holds.
 */
export function parseKeyring(text: string): Keyring {
  const file = parseJson(text);
  if (!isObject(file)) throw new Error('the keyring is not a JSON object');
  if (file['version'] !== 1) throw new Error('the keyring has a version that this Pharos does not know (it knows 1)');
  if (!Array.isArray(file['keys'])) throw new Error('`keys` of the keyring is not a list');
  const [first, ...others] = file['keys'].map(parseKey);
  if (!first) throw new Error('the keyring holds no key');
  const ids = [first, ...others].map(({ id }) => id);
  if (first.upcoming) throw new Error('the first key of the keyring is the one that seals, and cannot be upcoming');
  if (new Set(ids).size !== ids.length) throw new Error('two keys of the keyring have the same id');
  return [first, ...others];
}

function parseKey(entry: unknown, index: number): MasterKey {
  const { id, key, upcoming } = isObject(entry) ? entry : {};
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : null;
  if (typeof id !== 'string' || !/^[0-9a-f]{8}$/.test(id)) throw new Error(`key ${index + 1} of the keyring has no id`);
  if (bytes?.length !== keyBytes) throw new Error(`key ${id} of the keyring is not ${keyBytes} bytes in base64`);
  return { id, key: createSecretKey(bytes), ...(upcoming === true && { upcoming }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which holds keys.
    throw new Error('the keyring is not JSON');
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
