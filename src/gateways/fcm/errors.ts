import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushResponse } from '../../core/ports/push-connections.ts';
import { objectOrEmpty, parseObject } from '../push-client/parse-object.ts';
import type { Verdict } from '../push-client/phone-sender.ts';

/** "If there is no retry-after header, default to 60 seconds" (Firebase, Scale your FCM sends). */
const defaultRetryAfterMs = 60_000;

const outcome = (delivery: DeliveryOutcome): Verdict => ({ kind: 'outcome', outcome: delivery });

/**
 * The one table from FCM's answer to an outcome (firebase.google.com, FCM REST API, `ErrorCode`; error bodies are
 * `google.rpc.Status` with an `FcmError` among its details).
 */
export function verdictOf(response: PushResponse): Verdict {
  if (response.kind === 'error') {
    const reason = `FCM: ${response.message}`;
    return outcome(
      response.reason === 'refused' ? { kind: 'rejected', reason } : { kind: 'failed', reason, retryAfterMs: null },
    );
  }
  const { status, retryAfterMs } = response;
  if (status >= 200 && status < 300) return outcome({ kind: 'accepted' });
  const error = readError(response.text);
  const words = [error.errorCode ?? error.status, error.message].filter(Boolean).join(': ');
  const reason = `FCM answered ${status}${words ? `: ${words}` : ''}`;
  switch (error.errorCode) {
    case 'UNREGISTERED':
      return outcome({ kind: 'gone', reason });
    case 'INVALID_ARGUMENT':
    case 'SENDER_ID_MISMATCH':
    case 'THIRD_PARTY_AUTH_ERROR':
      return outcome({ kind: 'rejected', reason });
    case 'QUOTA_EXCEEDED':
      return outcome({ kind: 'throttled', reason, retryAfterMs: retryAfterMs ?? defaultRetryAfterMs });
    case 'UNAVAILABLE':
    case 'INTERNAL':
      return outcome({ kind: 'failed', reason, retryAfterMs });
    default:
      return verdictOfStatus(status, reason, retryAfterMs);
  }
}

function verdictOfStatus(status: number, reason: string, retryAfterMs: number | null): Verdict {
  if (status === 401) return { kind: 'token-refused', reason };
  // Without an `FcmError` it is not about the device: the API is off, or the account lacks the permission.
  if (status === 403) return { kind: 'credentials-refused', reason };
  if (status === 429) {
    return outcome({ kind: 'throttled', reason, retryAfterMs: retryAfterMs ?? defaultRetryAfterMs });
  }
  if (status >= 500) return outcome({ kind: 'failed', reason, retryAfterMs });
  // 404 too: a project that does not exist is no reason to forget its devices.
  return outcome({ kind: 'rejected', reason });
}

interface FcmErrorBody {
  readonly status: string | null;
  readonly message: string | null;
  readonly errorCode: string | null;
}

const longestMessage = 200;

function readError(text: string): FcmErrorBody {
  const { status, message, details } = objectOrEmpty(parseObject(text)['error']);
  const fcmError = (Array.isArray(details) ? details : [])
    .map(objectOrEmpty)
    .find((detail) => stringOrNull(detail['@type'])?.endsWith('google.firebase.fcm.v1.FcmError'));
  return {
    status: stringOrNull(status),
    message: stringOrNull(message)?.slice(0, longestMessage) ?? null,
    errorCode: stringOrNull(fcmError?.['errorCode']),
  };
}

const stringOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
