import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSubscription, type World } from './beams-world.ts';
import type { RawRequest } from './send.ts';

/**
 * A recorded conversation, as data. Requests may hold placeholders: `{{instance}}` (any value of the world or captured
 * before), `{{token:name}}` (a user token of `tokens`), `{{subscription:name}}` (a browser's), `{{repeat:text:count}}`, and
 * as a whole array `{{names:prefix:count}}`. Bodies of answers are exact texts, in which `{{uuid:name}}` captures a new id.
 */
export interface Transcript {
  readonly title: string;
  readonly tokens?: Readonly<Record<string, TokenRecipe>>;
  readonly exchanges: readonly Exchange[];
}

interface TokenRecipe {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly alg?: string;
  readonly secretKey?: string;
}

export interface Exchange {
  readonly about: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** A string is sent as it is, anything else as JSON. */
    readonly body?: unknown;
  };
  readonly answer: {
    readonly status: number;
    /** Null: must be absent. */
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body: string;
  };
}

export function readTranscripts(): readonly Transcript[] {
  const folder = join(import.meta.dirname, 'transcripts');
  return readdirSync(folder)
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Transcript);
}

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Fills in requests and expected answers of one run of a transcript. */
export interface Placeholders {
  request(request: Exchange['request']): RawRequest;
  /** The expected text with what was captured from the actual one filled in; new captures are kept. */
  expectedBody(expected: string, actual: string): string;
}

export function createPlaceholders(world: World, { tokens = {} }: Transcript): Placeholders {
  const values = new Map(Object.entries(world.values));

  const fill = (text: string): string =>
    text.replaceAll(/\{\{(.*?)\}\}/g, (whole, name: string) => {
      const [kind, first = '', second = ''] = name.split(':');
      if (kind === 'uuid') return whole;
      if (kind === 'repeat') return first.repeat(Number(second));
      if (kind === 'subscription') return encodeSubscription(first);
      if (kind === 'token') return sign(first);
      const value = values.get(name);
      if (value === undefined) throw new Error(`unknown placeholder ${whole}`);
      return value;
    });

  const fillValue = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const names = /^\{\{names:(.*):(\d+)\}\}$/.exec(value);
      if (!names) return fill(value);
      return Array.from({ length: Number(names[2]) }, (_, index) => `${names[1]}${index}`);
    }
    if (Array.isArray(value)) return value.map(fillValue);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillValue(inner)]));
  };

  const sign = (name: string): string => {
    const recipe = tokens[name];
    if (!recipe) throw new Error(`unknown token ${name}`);
    const { alg = 'HS256', secretKey = '{{secretKey}}' } = recipe;
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg, typ: 'JWT' })}.${encode(fillValue(recipe.claims))}`;
    if (alg === 'none') return `${signed}.`;
    const hmac = createHmac(alg === 'HS512' ? 'sha512' : 'sha256', fill(secretKey));
    return `${signed}.${hmac.update(signed).digest('base64url')}`;
  };

  return {
    request({ method, path, headers = {}, body }) {
      const isText = body === undefined || typeof body === 'string';
      const given = Object.entries(headers).map(([name, value]) => [name, fill(value)]);
      return {
        method,
        path: fill(path),
        headers: { ...(!isText && { 'content-type': 'application/json' }), ...Object.fromEntries(given) },
        body: body === undefined ? null : isText ? fill(body) : JSON.stringify(fillValue(body)),
      };
    },

    expectedBody(expected, actual) {
      const filled = fill(expected);
      const capture = /\{\{uuid:(.*?)\}\}/g;
      const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
      // Every other piece is the name of a capture.
      const pieces = filled.split(capture).map((piece, index) => (index % 2 ? `(${uuid})` : literal(piece)));
      const [, ...captured] = new RegExp(`^${pieces.join('')}$`).exec(actual) ?? [];
      return filled.replaceAll(capture, (_whole, name: string) => {
        const id = captured.shift() ?? `no ${name}`;
        values.set(name, id);
        return id;
      });
    },
  };
}
