import { phoneTokenRules } from '../../core/devices/phone-token.ts';

interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly description: string;
}

const refusal = (status: number, title: string, description: string): Refusal => ({ status, title, description });

/**
 * Every refusal of the Beams wire. Titles are as recorded or documented, capitals included. Descriptions marked
 * "recorded" are the hosted service's to the letter, the others are worded in its manner. Only where the
 * phone's own token is bad may the description of a 401 or 403 contain "device token": Swift looks for these words.
 * (Failures that no route causes, such as a body that is not JSON, are worded in `wire/http/default-answer.ts`.)
 */
export const beamsErrors = {
  // Recorded.
  'instance-not-found': refusal(404, 'Instance not found', 'Could not find the instance'),
  'wrong-secret-key': refusal(401, 'Unauthorized', 'Incorrect Secret Key'),
  'user-id-too-long': refusal(400, 'Bad request', "'User id' is too long, max length is 164"),
  'device-has-other-user': refusal(400, 'Bad Request', 'A User Id is already associated with this device.'),
  /** "JSON does not match the schema": the description names the field. */
  'wrong-schema': refusal(422, 'Bad Request', '`(root)`: expected another JSON object'),

  'instance-id-missing': refusal(400, 'Incomplete Request', 'The instance id is missing from the path'),
  'authorization-missing': refusal(
    400,
    'Incomplete Request',
    '`Authorization`: expected a header of the form Bearer <secret key>',
  ),
  'device-id-missing': refusal(400, 'Incomplete Request', 'The device id is missing from the path'),
  'body-not-object': refusal(400, 'Bad request', 'The request body must be a JSON object'),
  'bundle-identifier-missing': refusal(400, 'Bad request', '`bundleIdentifier`: bundleIdentifier is required'),
  // "401: rejected gateway token"; "a 401/403 description containing `device token` means a bad device token" to Swift.
  'apns-token-unusable': refusal(401, 'Unauthorized', `Incorrect APNs token supplied: ${phoneTokenRules.apns}`),
  // "Android restarts its registration only on `error == "InvalidToken"` and retries every other failure for ever".
  'fcm-token-unusable': refusal(401, 'InvalidToken', `Incorrect FCM token supplied: ${phoneTokenRules.fcm}`),
  // A refresh that Android must not repeat: there it stops at 400 and 404 only.
  'fcm-token-unusable-on-refresh': refusal(400, 'Bad Request', `Incorrect FCM token supplied: ${phoneTokenRules.fcm}`),
  // "The exact description `Device could not be created` makes it (Swift) stop retrying", with any status that it does
  // not know otherwise.
  'device-not-created': refusal(422, 'Unprocessable Entity', 'Device could not be created'),
  'token-missing': refusal(400, 'Bad request', '`token`: token is required'),
  'report-field-missing': refusal(400, 'Bad request', 'A field of the report is required'),
  'malformed-instance-id': refusal(400, 'Bad Request', 'The instance id must be a UUID in lower case'),
  'malformed-idempotency-key': refusal(
    400,
    'Bad Request',
    '`Idempotency-Key`: expected 1 to 255 printable ASCII characters without blanks',
  ),
  'idempotency-key-used': refusal(
    422,
    'Unprocessable Entity',
    '`Idempotency-Key`: this key belongs to another kind of request',
  ),
  'malformed-feed-query': refusal(400, 'Bad Request', 'The query is not one of the feed'),
  'feed-off': refusal(409, 'Conflict', 'The instance has no feed: it has to be turned on first'),
  'too-many-feed-readers': refusal(
    503,
    'Service Unavailable',
    'Too many requests read the feed at once: please read again after the time in Retry-After',
  ),
  'malformed-limit': refusal(400, 'Bad Request', '`limit`: expected a number from 1 to 100'),
  'malformed-cursor': refusal(400, 'Bad Request', '`cursor`: expected the nextCursor of the page before'),
  'user-token-incomplete': refusal(
    400,
    'Bad Request',
    'The user token must have the claims exp, iss and sub; sub must be 1 to 164 characters, exp, nbf and iat numbers',
  ),
  'interest-set-too-large': refusal(400, 'Interest set too large', 'A device can have at most 5000 interests'),
  'invalid-interest-name': refusal(
    400,
    'Invalid interest name',
    'Interest names are 1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;',
  ),
  'malformed-user-id': refusal(400, 'Bad Request', "'User id' must be valid unicode text"),
  'user-token-missing': refusal(
    401,
    'Unauthorized',
    '`Authorization`: expected a header of the form Bearer <user token>',
  ),
  'user-token-untrusted': refusal(
    401,
    'Unauthorized',
    "The user token is not signed with HS256 and the instance's secret key",
  ),
  'user-token-expired': refusal(401, 'Unauthorized', 'The user token has expired'),
  'user-token-not-yet-valid': refusal(
    401,
    'Unauthorized',
    'The user token is not valid yet: its nbf claim is in the future',
  ),
  'user-token-wrong-issuer': refusal(
    403,
    'Forbidden',
    'The user token was issued for another instance: its iss claim is wrong',
  ),
  'device-not-found': refusal(404, 'Device not found', 'Could not find the device'),
  'user-id-missing': refusal(404, 'Not Found', 'The user id is missing from the path'),
  'too-many-devices': refusal(422, 'Unprocessable Entity', 'A user can have at most 100 devices on a platform'),
  // "On `PUT user` … Swift (stops) at 400/401/403/404; anything else Swift retries for ever, blocking its queue."
  'too-many-apns-devices': refusal(400, 'Bad Request', 'A user can have at most 100 devices on a platform'),
  /** "429: over 100 requests a second", per instance; also the limit on a client address. The description says which. */
  'rate-limited': refusal(
    429,
    'Rate Limited',
    'Too many requests: please send them again after the time in Retry-After',
  ),
  // "Shed load with 503, which Android and iOS retry."
  'report-shed': refusal(
    503,
    'Service Unavailable',
    'Too many reports from this address: please send them again after the time in Retry-After',
  ),
};

export type BeamsErrorCode = keyof typeof beamsErrors;
