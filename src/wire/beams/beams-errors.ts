import { phoneTokenRules } from '../../core/devices/phone-token.ts';

/**
 * Every refusal of the Beams wire. Titles are as recorded or documented, capitals included. Descriptions marked
 * "recorded" are the hosted service's to the letter, the others are worded in its manner. Only where the
 * phone's own token is bad may the description of a 401 or 403 contain "device token": Swift looks for these words.
 * (Failures that no route causes, such as a body that is not JSON, are worded in `wire/http/default-answer.ts`.)
 */
export const beamsErrors = {
  // Recorded.
  'instance-not-found': { status: 404, title: 'Instance not found', description: 'Could not find the instance' },
  'wrong-secret-key': { status: 401, title: 'Unauthorized', description: 'Incorrect Secret Key' },
  'user-id-too-long': { status: 400, title: 'Bad request', description: "'User id' is too long, max length is 164" },
  'device-has-other-user': {
    status: 400,
    title: 'Bad Request',
    description: 'A User Id is already associated with this device.',
  },
  /** "JSON does not match the schema": the description names the field. */
  'wrong-schema': { status: 422, title: 'Bad Request', description: '`(root)`: expected another JSON object' },

  'instance-id-missing': {
    status: 400,
    title: 'Incomplete Request',
    description: 'The instance id is missing from the path',
  },
  'authorization-missing': {
    status: 400,
    title: 'Incomplete Request',
    description: '`Authorization`: expected a header of the form Bearer <secret key>',
  },
  'device-id-missing': {
    status: 400,
    title: 'Incomplete Request',
    description: 'The device id is missing from the path',
  },
  'body-not-object': { status: 400, title: 'Bad request', description: 'The request body must be a JSON object' },
  'bundle-identifier-missing': {
    status: 400,
    title: 'Bad request',
    description: '`bundleIdentifier`: bundleIdentifier is required',
  },
  // "401: rejected gateway token"; "a 401/403 description containing `device token` means a bad device token" to Swift.
  'apns-token-unusable': {
    status: 401,
    title: 'Unauthorized',
    description: `Incorrect APNs token supplied: ${phoneTokenRules.apns}`,
  },
  // "Android restarts its registration only on `error == "InvalidToken"` and retries every other failure for ever".
  'fcm-token-unusable': {
    status: 401,
    title: 'InvalidToken',
    description: `Incorrect FCM token supplied: ${phoneTokenRules.fcm}`,
  },
  // A refresh that Android must not repeat: there it stops at 400 and 404 only.
  'fcm-token-unusable-on-refresh': {
    status: 400,
    title: 'Bad Request',
    description: `Incorrect FCM token supplied: ${phoneTokenRules.fcm}`,
  },
  // "The exact description `Device could not be created` makes it (Swift) stop retrying", with any status that it does
  // not know otherwise.
  'device-not-created': { status: 422, title: 'Unprocessable Entity', description: 'Device could not be created' },
  'token-missing': { status: 400, title: 'Bad request', description: '`token`: token is required' },
  'report-field-missing': { status: 400, title: 'Bad request', description: 'A field of the report is required' },
  'malformed-instance-id': {
    status: 400,
    title: 'Bad Request',
    description: 'The instance id must be a UUID in lower case',
  },
  'malformed-idempotency-key': {
    status: 400,
    title: 'Bad Request',
    description: '`Idempotency-Key`: expected 1 to 255 printable ASCII characters without blanks',
  },
  'idempotency-key-used': {
    status: 422,
    title: 'Unprocessable Entity',
    description: '`Idempotency-Key`: this key belongs to another kind of request',
  },
  'malformed-feed-query': { status: 400, title: 'Bad Request', description: 'The query is not one of the feed' },
  'feed-off': { status: 409, title: 'Conflict', description: 'The instance has no feed: it has to be turned on first' },
  'too-many-feed-readers': {
    status: 503,
    title: 'Service Unavailable',
    description: 'Too many requests read the feed at once: please read again after the time in Retry-After',
  },
  'malformed-limit': { status: 400, title: 'Bad Request', description: '`limit`: expected a number from 1 to 100' },
  'malformed-cursor': {
    status: 400,
    title: 'Bad Request',
    description: '`cursor`: expected the nextCursor of the page before',
  },
  'user-token-incomplete': {
    status: 400,
    title: 'Bad Request',
    description:
      'The user token must have the claims exp, iss and sub; sub must be 1 to 164 characters, exp, nbf and iat numbers',
  },
  'interest-set-too-large': {
    status: 400,
    title: 'Interest set too large',
    description: 'A device can have at most 5000 interests',
  },
  'invalid-interest-name': {
    status: 400,
    title: 'Invalid interest name',
    description: 'Interest names are 1 to 164 characters of A-Z a-z 0-9 _ - = @ , . ;',
  },
  'malformed-user-id': { status: 400, title: 'Bad Request', description: "'User id' must be valid unicode text" },
  'user-token-missing': {
    status: 401,
    title: 'Unauthorized',
    description: '`Authorization`: expected a header of the form Bearer <user token>',
  },
  'user-token-untrusted': {
    status: 401,
    title: 'Unauthorized',
    description: "The user token is not signed with HS256 and the instance's secret key",
  },
  'user-token-expired': { status: 401, title: 'Unauthorized', description: 'The user token has expired' },
  'user-token-not-yet-valid': {
    status: 401,
    title: 'Unauthorized',
    description: 'The user token is not valid yet: its nbf claim is in the future',
  },
  'user-token-wrong-issuer': {
    status: 403,
    title: 'Forbidden',
    description: 'The user token was issued for another instance: its iss claim is wrong',
  },
  'device-not-found': { status: 404, title: 'Device not found', description: 'Could not find the device' },
  'user-id-missing': { status: 404, title: 'Not Found', description: 'The user id is missing from the path' },
  'too-many-devices': {
    status: 422,
    title: 'Unprocessable Entity',
    description: 'A user can have at most 100 devices on a platform',
  },
  // "On `PUT user` … Swift (stops) at 400/401/403/404; anything else Swift retries for ever, blocking its queue."
  'too-many-apns-devices': {
    status: 400,
    title: 'Bad Request',
    description: 'A user can have at most 100 devices on a platform',
  },
  /** "429: over 100 requests a second", per instance; also the limit on a client address. The description says which. */
  'rate-limited': {
    status: 429,
    title: 'Rate Limited',
    description: 'Too many requests: please send them again after the time in Retry-After',
  },
  // "Shed load with 503, which Android and iOS retry."
  'report-shed': {
    status: 503,
    title: 'Service Unavailable',
    description: 'Too many reports from this address: please send them again after the time in Retry-After',
  },
} as const satisfies Readonly<
  Record<string, { readonly status: number; readonly title: string; readonly description: string }>
>;

export type BeamsErrorCode = keyof typeof beamsErrors;
