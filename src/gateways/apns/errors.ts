import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushResponse } from '../../core/ports/push-connections.ts';
import { parseObject } from '../push-client/parse-object.ts';
import type { Verdict } from '../push-client/phone-sender.ts';

/** What becomes of a reason, whatever its status. */
type Meaning = 'gone' | 'rejected' | 'throttled' | 'failed' | 'token-refused' | 'credentials-refused';

/**
 * Every reason of Apple's table ("Handling notification responses from APNs", Values for the APNs JSON `reason` key).
 * `BadDeviceToken` is no word about the device: a token of the other environment looks the same.
 */
const meanings: Readonly<Record<string, Meaning>> = {
  BadCollapseId: 'rejected',
  BadDeviceToken: 'rejected',
  BadExpirationDate: 'rejected',
  BadMessageId: 'rejected',
  BadPriority: 'rejected',
  BadTopic: 'rejected',
  DeviceTokenNotForTopic: 'rejected',
  DuplicateHeaders: 'rejected',
  IdleTimeout: 'failed',
  InvalidPushType: 'rejected',
  MissingDeviceToken: 'rejected',
  MissingTopic: 'rejected',
  PayloadEmpty: 'rejected',
  TopicDisallowed: 'rejected',
  BadCertificate: 'credentials-refused',
  BadCertificateEnvironment: 'credentials-refused',
  BadEnvironmentKeyIdInToken: 'credentials-refused',
  ExpiredProviderToken: 'token-refused',
  Forbidden: 'credentials-refused',
  InvalidProviderToken: 'credentials-refused',
  MissingProviderToken: 'credentials-refused',
  UnrelatedKeyIdInToken: 'credentials-refused',
  BadPath: 'rejected',
  MethodNotAllowed: 'rejected',
  ExpiredToken: 'gone',
  Unregistered: 'gone',
  PayloadTooLarge: 'rejected',
  TooManyProviderTokenUpdates: 'throttled',
  TooManyRequests: 'throttled',
  InternalServerError: 'failed',
  ServiceUnavailable: 'failed',
  Shutdown: 'failed',
};

/** What TLS says of a certificate that was revoked, or that nobody knows (RFC 8446, section 6.2). */
const certificateAlert = /\balert (?:(?:bad )?certificate|unknown ca)\b/i;

/** `registeredAt`: of the device. The service's word that it is gone may be older than its last registration. */
export function verdictOf(response: PushResponse, registeredAt: number): Verdict {
  if (response.kind === 'error') {
    const reason = `APNs: ${response.message}`;
    if (certificateAlert.test(response.message)) return { kind: 'credentials-refused', reason };
    return outcome(
      response.reason === 'refused' ? { kind: 'rejected', reason } : { kind: 'failed', reason, retryAfterMs: null },
    );
  }
  const { status, retryAfterMs } = response;
  if (status === 200) return outcome({ kind: 'accepted' });
  const body = readError(response.text);
  const reason = `APNs answered ${status}${body.reason === null ? '' : `: ${body.reason}`}`;
  const meaning = (body.reason === null ? undefined : meanings[body.reason]) ?? meaningOfStatus(status);
  switch (meaning) {
    case 'gone':
      // "If this timestamp is after the date the device token was registered, stop sending"; before, the app is back.
      return body.timestamp !== null && body.timestamp < registeredAt
        ? outcome({ kind: 'failed', reason: `${reason}, before the device registered again`, retryAfterMs: null })
        : outcome({ kind: 'gone', reason });
    case 'rejected':
      return outcome({ kind: 'rejected', reason });
    case 'throttled':
    case 'failed':
      return outcome({ kind: meaning, reason, retryAfterMs });
    case 'token-refused':
    case 'credentials-refused':
      return { kind: meaning, reason };
  }
}

const outcome = (delivery: DeliveryOutcome): Verdict => ({ kind: 'outcome', outcome: delivery });

function meaningOfStatus(status: number): Meaning {
  if (status === 403) return 'credentials-refused';
  if (status === 410) return 'gone';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'failed' : 'rejected';
}

/** `timestamp`: of a 410, in milliseconds since 1970, when the token was found to be invalid. */
function readError(text: string): { readonly reason: string | null; readonly timestamp: number | null } {
  const { reason, timestamp } = parseObject(text);
  return {
    reason: typeof reason === 'string' ? reason.slice(0, 100) : null,
    timestamp: typeof timestamp === 'number' ? timestamp : null,
  };
}
