import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { FcmCredentials } from '../../core/ports/gateway.ts';
import type { PushConnections, PushResponse } from '../../core/ports/push-connections.ts';
import { parseObject } from '../push-client/parse-object.ts';
import type { Proof } from '../push-client/phone-sender.ts';
import { signJwt } from '../push-client/sign-jwt.ts';

/** `refused`: Google does not take the service account. */
export type AccessToken =
  | Exclude<Proof, { readonly kind: 'token' }>
  | { readonly kind: 'token'; readonly token: string };

export interface AccessTokensDeps {
  readonly connections: PushConnections;
  readonly clock: Clock;
}

/** OAuth 2.0 tokens of service accounts: one request serves an account for most of an hour. */
export interface AccessTokens {
  get(credentials: FcmCredentials, timeoutMs: number): Promise<AccessToken>;
  /** FCM does not take this one any more, whatever its time says. */
  forget(credentials: FcmCredentials, token: string): true;
}

const tokenOrigin = 'https://oauth2.googleapis.com';
const tokenPath = '/token';
const scope = 'https://www.googleapis.com/auth/firebase.messaging';
/** "The maximum is 1 hour after the issued time" (developers.google.com, OAuth 2.0 for server-to-server applications). */
const assertionSeconds = 3600;
/** A token this near its end is replaced while it still serves. */
const renewAheadMs = 5 * 60_000;
/** One this near its end is not begun with: a delivery may take as long. */
const tooLateMs = 30_000;
/** An answer that takes longer is not waited for by more deliveries: they would pile up. */
const stalledAfterMs = 1_000;

interface Known {
  readonly token: string;
  readonly expiresAt: number;
}

export function createAccessTokens({ connections, clock }: AccessTokensDeps): AccessTokens {
  const known = new WeakMap<FcmCredentials, Known>();
  const asked = new WeakMap<FcmCredentials, { readonly at: number; readonly asking: Promise<AccessToken> }>();

  const ask = async (credentials: FcmCredentials, timeoutMs: number): Promise<AccessToken> => {
    const now = clock();
    const response = await connections.request({
      origin: tokenOrigin,
      path: tokenPath,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: Buffer.from(
        new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: assertionOf(credentials, now),
        }).toString(),
      ),
      timeoutMs,
    });
    const { answer, expiresInMs } = readTokenResponse(response);
    if (answer.kind === 'token') known.set(credentials, { token: answer.token, expiresAt: now + expiresInMs });
    return answer;
  };
  const askOnce = (credentials: FcmCredentials, timeoutMs: number): Promise<AccessToken> => {
    const underWay = asked.get(credentials);
    if (underWay && performance.now() - underWay.at >= stalledAfterMs) {
      return Promise.resolve({ kind: 'failed', reason: `${tokenOrigin}: no answer yet`, retryAfterMs: null });
    }
    if (underWay) return underWay.asking;
    const asking = ask(credentials, timeoutMs).finally(() => asked.delete(credentials));
    asked.set(credentials, { at: performance.now(), asking });
    return asking;
  };

  return {
    get(credentials, timeoutMs) {
      const token = known.get(credentials);
      const restMs = token ? token.expiresAt - clock() : 0;
      if (!token || restMs < tooLateMs) return askOnce(credentials, timeoutMs);
      // What comes of it is seen by those who ask when this one is over.
      if (restMs < renewAheadMs) void askOnce(credentials, timeoutMs);
      return Promise.resolve({ kind: 'token', token: token.token });
    },
    forget(credentials, token) {
      if (known.get(credentials)?.token === token) known.delete(credentials);
      return true;
    },
  };
}

/** RFC 7523, section 2.1, with Google's `scope`. */
function assertionOf({ clientEmail, privateKey, privateKeyId }: FcmCredentials, now: number): string {
  const iat = Math.floor(now / 1000);
  return signJwt(
    { alg: 'RS256', typ: 'JWT', ...(privateKeyId !== null && { kid: privateKeyId }) },
    { iss: clientEmail, scope, aud: tokenOrigin + tokenPath, iat, exp: iat + assertionSeconds },
    createPrivateKey(privateKey),
  );
}

function readTokenResponse(response: PushResponse): { readonly answer: AccessToken; readonly expiresInMs: number } {
  const failed = (reason: string, retryAfterMs: number | null = null) =>
    ({ answer: { kind: 'failed', reason, retryAfterMs }, expiresInMs: 0 }) as const;
  if (response.kind === 'error') return failed(`${tokenOrigin}: ${response.message}`);
  const { status, retryAfterMs, text } = response;
  const body = parseObject(text);
  const { access_token: token, expires_in: seconds } = body;
  if (status === 200 && typeof token === 'string' && typeof seconds === 'number') {
    return { answer: { kind: 'token', token }, expiresInMs: seconds * 1000 };
  }
  // RFC 6749, section 5.2: 400 or 401 with `error`, and perhaps words for the developer.
  const { error, error_description: description } = body;
  const words = [error, description].filter((part) => typeof part === 'string').join(': ');
  const reason = `${tokenOrigin} answered ${status}${words ? `: ${words}` : ''}`;
  if (status === 400 || status === 401 || status === 403) {
    return { answer: { kind: 'refused', reason }, expiresInMs: 0 };
  }
  return failed(reason, retryAfterMs);
}
