import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import * as z from 'zod';
import type { Answer, HttpHandler } from './http-handler.ts';

/** What Google does with one message; `Retry-After` in seconds. */
export type FcmAnswer =
  | 'accept'
  | { readonly status: number; readonly errorCode?: string; readonly retryAfter?: number; readonly body?: string };

export interface FcmMessage {
  readonly token: string;
  readonly projectId: string;
  /** `message` of the request without its token. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** Google's OAuth and FCM servers: mount the handlers on a TLS front. */
export interface FcmService {
  readonly handlers: Readonly<Record<'oauth2.googleapis.com' | 'fcm.googleapis.com', HttpHandler>>;
  /** Messages that were accepted, in order. */
  readonly accepted: readonly FcmMessage[];
  /** Access tokens that were issued. */
  readonly tokensIssued: () => number;
  /** Requests to `messages:send` that were dry runs. */
  readonly validations: () => number;
  /** A key file as Firebase's console gives it. */
  readonly serviceAccount: Readonly<Record<string, string>>;
  /** Every token that was issued so far ends now. */
  readonly expireTokens: () => void;
  /** The account is deleted: no more tokens. */
  readonly deleteAccount: () => void;
}

export interface FcmServiceOptions {
  readonly projectId?: string;
  readonly clock?: () => number;
  /** By registration token and number of the attempt from 0; default: all are accepted. */
  readonly answer?: (token: string, attempt: number) => FcmAnswer | Promise<FcmAnswer>;
}

const text = z.string();
const androidNotification = z.strictObject(
  Object.fromEntries(
    [
      ...['title', 'body', 'icon', 'color', 'sound', 'tag', 'click_action', 'body_loc_key', 'title_loc_key'],
      ...['channel_id', 'ticker', 'image', 'notification_priority', 'visibility', 'event_time'],
    ].map((name) => [name, text.optional()]),
  ) as Record<string, z.ZodOptional<z.ZodString>>,
);

/** `Message` (firebase.google.com, REST Resource projects.messages): what is not in it is refused. */
const messageSchema = z.strictObject({
  token: text,
  data: z.record(text, text).optional(),
  notification: z.strictObject({ title: text.optional(), body: text.optional(), image: text.optional() }).optional(),
  android: z
    .strictObject({
      collapse_key: text.optional(),
      priority: z.enum(['NORMAL', 'HIGH', 'normal', 'high']).optional(),
      ttl: text.regex(/^\d+(?:\.\d{1,9})?s$/).optional(),
      restricted_package_name: text.optional(),
      data: z.record(text, text).optional(),
      notification: androidNotification
        .extend({ body_loc_args: z.array(text).optional(), title_loc_args: z.array(text).optional() })
        .optional(),
      fcm_options: z.looseObject({}).optional(),
      direct_boot_ok: z.boolean().optional(),
    })
    .optional(),
  apns: z.looseObject({}).optional(),
  webpush: z.looseObject({}).optional(),
  fcm_options: z.strictObject({ analytics_label: text.optional() }).optional(),
});
const requestSchema = z.strictObject({
  message: messageSchema,
  validate_only: z.boolean().optional(),
  validateOnly: z.boolean().optional(),
});

export function createFcmService({
  projectId = 'shop-12345',
  clock = Date.now,
  answer = () => 'accept',
}: FcmServiceOptions = {}): FcmService {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clientEmail = `firebase-adminsdk@${projectId}.iam.gserviceaccount.com`;
  const tokens = new Set<string>();
  const accepted: FcmMessage[] = [];
  const attempts = new Map<string, number>();
  let tokensIssued = 0;
  let validations = 0;
  let isDeleted = false;

  const issueToken: HttpHandler = ({ method, path, headers, body }) => {
    const form = new URLSearchParams(body.toString());
    const fault =
      method !== 'POST' || path !== '/token'
        ? 'wrong path'
        : !String(headers['content-type']).startsWith('application/x-www-form-urlencoded')
          ? 'not a form'
          : assertionFault(form, publicKey, clientEmail, clock() / 1000);
    if (fault !== null || isDeleted) {
      return json(400, { error: 'invalid_grant', error_description: fault ?? 'Invalid JWT Signature.' });
    }
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    tokens.add(token);
    tokensIssued += 1;
    return json(200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  };

  const send: HttpHandler = async ({ method, path, headers, body }) => {
    const [, project] = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(path) ?? [];
    if (method !== 'POST' || project === undefined) return json(404, { error: { code: 404, status: 'NOT_FOUND' } });
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!tokens.has(token)) return failure({ status: 401, body: 'UNAUTHENTICATED' });
    if (project !== projectId) return failure({ status: 404, body: `Project ${project} not found` });
    const request = requestSchema.safeParse(parse(body.toString()));
    if (!request.success) {
      return failure({ status: 400, errorCode: 'INVALID_ARGUMENT', body: z.prettifyError(request.error) });
    }
    const { token: device, ...message } = request.data.message;
    if (request.data.validate_only === true || request.data.validateOnly === true) {
      validations += 1;
      return failure({
        status: 400,
        errorCode: 'INVALID_ARGUMENT',
        body: 'The registration token is not a valid FCM registration token',
      });
    }
    const attempt = attempts.get(device) ?? 0;
    attempts.set(device, attempt + 1);
    const said = await answer(device, attempt);
    if (said !== 'accept') return failure(said);
    accepted.push({ token: device, projectId: project, message });
    return json(200, { name: `projects/${project}/messages/${accepted.length}` });
  };

  return {
    handlers: { 'oauth2.googleapis.com': issueToken, 'fcm.googleapis.com': send },
    accepted,
    tokensIssued: () => tokensIssued,
    validations: () => validations,
    serviceAccount: {
      type: 'service_account',
      project_id: projectId,
      private_key_id: randomBytes(20).toString('hex'),
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      client_email: clientEmail,
      client_id: '1234567890',
      token_uri: 'https://oauth2.googleapis.com/token',
    },
    expireTokens: () => tokens.clear(),
    deleteAccount: () => {
      isDeleted = true;
      tokens.clear();
    },
  };
}

/** RFC 7523, section 3; null when the assertion is good. */
function assertionFault(form: URLSearchParams, key: KeyObject, email: string, nowSeconds: number): string | null {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'wrong grant_type';
  const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify('sha256', signed, createPublicKey(key.export({ type: 'spki', format: 'pem' })), decode(signature))) {
    return 'Invalid JWT Signature.';
  }
  const claims = parse(decode(payload).toString()) as Record<string, unknown>;
  const { iss, aud, iat, exp } = claims;
  if (iss !== email) return 'wrong iss';
  if (aud !== 'https://oauth2.googleapis.com/token' && aud !== 'https://www.googleapis.com/oauth2/v4/token') {
    return `wrong aud ${String(aud)}`;
  }
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600) return 'wrong times';
  if (iat > nowSeconds + 10 || exp < nowSeconds) return 'expired';
  const scopes = String(claims['scope']).split(' ');
  const isEnough = ['firebase.messaging', 'cloud-platform'].some((name) =>
    scopes.includes(`https://www.googleapis.com/auth/${name}`),
  );
  return isEnough ? null : 'wrong scope';
}

const decode = (part: string): Buffer => Buffer.from(part, 'base64url');

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  body: JSON.stringify(body),
});

/** `google.rpc.Status`, with FCM's own detail where it has one. */
function failure({ status, errorCode, retryAfter, body = '' }: Exclude<FcmAnswer, 'accept'>): Answer {
  const details = errorCode
    ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }]
    : undefined;
  const error = { code: status, message: body, status: errorCode ?? 'UNKNOWN', ...(details && { details }) };
  return json(status, { error }, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
}
