import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushResponse } from '../../core/ports/push-connections.ts';
import { type CredentialsPauseDeps, createCredentialsPause } from './credentials-pause.ts';
import type { Push, PushClient } from './push-client.ts';

/** What a service's answer says: of this delivery, or of the credentials that every delivery is made with. */
export type Verdict =
  | { readonly kind: 'outcome'; readonly outcome: DeliveryOutcome }
  /** The token is not taken: a new one may be. */
  | { readonly kind: 'token-refused'; readonly reason: string }
  | { readonly kind: 'credentials-refused'; readonly reason: string };

/** What requests show beside the connection; `token` null: nothing. */
export type Proof =
  | { readonly kind: 'token'; readonly token: string | null }
  /** The credentials are not taken. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | null };

export interface PhonePush extends Omit<Push, 'timeoutMs' | 'outcomeOf'> {
  /** That the device says it is of, when the credentials are for several; else ''. */
  readonly app: string;
  /** Those beside `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** As the service's documentation writes it. */
  readonly scheme: 'Bearer' | 'bearer';
  /** By `performance.now()`. */
  readonly endsAt: number;
  readonly proof: (timeoutMs: number) => Promise<Proof>;
  /** True when another token is worth a try. */
  readonly replaceToken: (token: string) => boolean;
  readonly verdictOf: (response: PushResponse) => Verdict;
}

export type SendToPhone = (client: PushClient, credentials: object, push: PhonePush) => Promise<DeliveryOutcome>;

/** Sends with credentials that may be refused: then the platform pauses. A token that has ended early is replaced once. */
export function createPhoneSender(deps: CredentialsPauseDeps): SendToPhone {
  const pause = createCredentialsPause(deps);
  return async (client, credentials, push) => {
    const { instanceId, endsAt, proof, replaceToken, verdictOf } = push;
    const used = { instanceId, credentials, app: push.app };
    const waiting = pause.outcome(used) ?? client.refusal(push.window);
    if (waiting) return waiting;
    for (let attempt = 1; ; attempt++) {
      const proved = await proof(Math.max(1, endsAt - performance.now()));
      if (proved.kind === 'refused') return pause.refused(used, proved.reason);
      if (proved.kind === 'failed') return proved;
      const { token } = proved;
      const timeoutMs = endsAt - performance.now();
      if (timeoutMs <= 0) return { kind: 'failed', reason: `${push.origin}: not sent in time`, retryAfterMs: null };
      let isTokenRefused = false;
      const outcome = await client.send({
        ...push,
        headers: token === null ? push.headers : { ...push.headers, authorization: `${push.scheme} ${token}` },
        timeoutMs,
        outcomeOf: (response) => {
          const verdict = verdictOf(response);
          isTokenRefused = verdict.kind === 'token-refused';
          return verdict.kind === 'outcome'
            ? verdict.outcome
            : { kind: 'unauthorized', reason: verdict.reason, retryAfterMs: null };
        },
      });
      if (isTokenRefused && token !== null && replaceToken(token) && attempt === 1) continue;
      if (outcome.kind === 'unauthorized') return pause.refused(used, outcome.reason);
      if (outcome.kind === 'accepted') pause.accepted(used);
      return outcome;
    }
  };
}
