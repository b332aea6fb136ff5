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

export class Placeholders {
  readonly #values: Map<string, string>;
  readonly #tokens: Readonly<Record<string, TokenRecipe>>;

  constructor(world: World, transcript: Transcript) {
    this.#values = new Map(Object.entries(world.values));
    this.#tokens = transcript.tokens ?? {};
  }

  request({ method, path, headers = {}, body }: Exchange['request']): RawRequest {
    const isText = body === undefined || typeof body === 'string';
    return {
      method,
      path: this.#fill(path),
      headers: {
        ...(isText ? {} : { 'content-type': 'application/json' }),
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, this.#fill(value)])),
      },
      body: body === undefined ? null : isText ? this.#fill(body) : JSON.stringify(this.#fillValue(body)),
    };
  }

  /** The expected text with what was captured filled in; new captures are kept. */
  expectedBody(expected: string, actual: string): string {
    const names: string[] = [];
    const pattern = expected
      .split(/(\{\{.*?\}\})/)
      .map((part) => {
        const name = /^\{\{uuid:(.*)\}\}$/.exec(part)?.[1];
        if (name === undefined) return this.#fill(part).replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
        names.push(name);
        return `(${uuid})`;
      })
      .join('');
    const match = new RegExp(`^${pattern}$`).exec(actual);
    names.forEach((name, index) => this.#values.set(name, match?.[index + 1] ?? `no ${name}`));
    return names.reduce(
      (text, name) => text.replace(`{{uuid:${name}}}`, this.#values.get(name) ?? ''),
      this.#fill(expected),
    );
  }

  #fill(text: string): string {
    return text.replaceAll(/\{\{(.*?)\}\}/g, (whole, name: string) => {
      const [kind = '', first = '', second = ''] = name.split(':');
      if (kind === 'uuid') return whole;
      if (kind === 'repeat') return first.repeat(Number(second));
      if (kind === 'subscription') return encodeSubscription(first);
      if (kind === 'token') return this.#sign(first);
      const value = this.#values.get(name);
      if (value === undefined) throw new Error(`unknown placeholder ${whole}`);
      return value;
    });
  }

  #fillValue(value: unknown): unknown {
    if (typeof value === 'string') {
      const names = /^\{\{names:(.*):(\d+)\}\}$/.exec(value);
      if (!names) return this.#fill(value);
      return Array.from({ length: Number(names[2]) }, (_, index) => `${names[1]}${index}`);
    }
    if (Array.isArray(value)) return value.map((item) => this.#fillValue(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#fillValue(inner)]));
  }

  #sign(name: string): string {
    const recipe = this.#tokens[name];
    if (!recipe) throw new Error(`unknown token ${name}`);
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: recipe.alg ?? 'HS256', typ: 'JWT' })}.${encode(this.#fillValue(recipe.claims))}`;
    const key = this.#fill(recipe.secretKey ?? '{{secretKey}}');
    const hash = recipe.alg === 'HS512' ? 'sha512' : 'sha256';
    return `${signed}.${recipe.alg === 'none' ? '' : createHmac(hash, key).update(signed).digest('base64url')}`;
  }
}
