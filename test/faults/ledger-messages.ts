import { retryDelaysMs } from './fault-server.ts';
import type { TargetRequest } from './failing-targets.ts';
import type { Findings } from './findings.ts';
import type { AttemptView } from './ledger-attempts.ts';
import { compareAttempts } from './ledger-attempts.ts';
import type { SeenCustomer, SeenServer } from './ledger-evidence.ts';

/** A message as the admin API shows it. */
interface MessageView {
  readonly id: string;
  readonly webhookId: string | null;
  readonly eventType: string;
  readonly publishId: string;
  readonly state: string;
  readonly attempts: number;
}

const maxAttempts = retryDelaysMs.length + 1;

const statusOf: Readonly<Record<string, string>> = {
  'publish.started': 'STARTED',
  'publish.finished': 'FINISHED',
};

/** How a target knows the message: see `TargetRequest.key`. */
const keyOf = ({ id, webhookId, eventType, publishId }: MessageView): string =>
  webhookId === null ? `${publishId} ${statusOf[eventType]}` : id;

/** Delivered and exhausted messages are together exactly the expected ones, each attempted as often as it was recorded. */
export async function checkMessages(
  server: SeenServer,
  customer: SeenCustomer,
): Promise<Findings & { readonly messages: number; readonly exhausted: number }> {
  const problems: string[] = [];
  const repeats: string[] = [];
  const views = await listMessages(server, customer);
  const byKey = new Map(views.map((view) => [keyOf(view), view]));
  if (byKey.size !== views.length) problems.push('two messages say the same');
  const own = new Set(views.map(({ publishId }) => publishId));
  const requests = server.targets.requests.filter(({ publishId }) => own.has(publishId));
  const requestsOf = Map.groupBy(requests, ({ key }) => key);
  for (const key of requestsOf.keys()) if (!byKey.has(key)) problems.push(`${key} was sent and is not stored`);
  for (const [key, view] of byKey) {
    const findings = await checkMessage(server, customer, view, requestsOf.get(key) ?? []);
    problems.push(...findings.problems);
    repeats.push(...findings.repeats);
  }
  problems.push(...differences(expectedMessages(server, customer), countMessages(requestsOf)));
  problems.push(...overtaken(requests));
  const exhausted = views.filter(({ state }) => state === 'exhausted').length;
  return { problems, repeats, messages: views.length, exhausted };
}

async function checkMessage(
  server: SeenServer,
  customer: SeenCustomer,
  view: MessageView,
  requests: readonly TargetRequest[],
): Promise<Findings> {
  const problems: string[] = [];
  const what = `${view.eventType} ${view.id}`;
  if (view.state === 'exhausted') {
    if (view.attempts !== maxAttempts) problems.push(`${what} is exhausted after ${view.attempts} attempts`);
  } else if (view.state !== 'delivered') problems.push(`${what} is ${view.state}`);
  else if (requests.at(-1)?.status !== 200) problems.push(`${what} is delivered and was not answered 200`);
  if (new Set(requests.map(({ eventId, publishId, body }) => `${eventId} ${publishId} ${body}`)).size > 1)
    problems.push(`${what} did not say the same each time`);

  // Nothing was repeated and nothing is missing.
  const taken = requests.filter(({ status }) => status === 200).length;
  if (requests.length === view.attempts && taken === (view.state === 'delivered' ? 1 : 0))
    return { problems, repeats: [] };
  const attempts = await listAttempts(server, customer, view);
  if (attempts.length !== view.attempts) problems.push(`${what} has ${attempts.length} of ${view.attempts} attempts`);
  const { restarts, clockErrorMs = 0 } = server;
  const compared = compareAttempts({ what, state: view.state, attempts, requests, restarts, clockErrorMs });
  return { problems: [...problems, ...compared.problems], repeats: compared.repeats };
}

async function listAttempts({ pharos }: SeenServer, { instanceId }: SeenCustomer, { id }: MessageView) {
  const { attempts } = await pharos.admin('GET', `/instances/${instanceId}/messages/${id}/attempts`);
  return attempts as readonly AttemptView[];
}

async function listMessages({ pharos }: SeenServer, { instanceId }: SeenCustomer): Promise<MessageView[]> {
  const views: MessageView[] = [];
  let before = '';
  for (;;) {
    const page = await pharos.admin('GET', `/instances/${instanceId}/messages?limit=200${before}`);
    views.push(...(page['messages'] as readonly MessageView[]));
    if (typeof page['next'] !== 'string') return views;
    before = `&before=${page['next']}`;
  }
}

/** Kind, publish and user → how many messages. */
type Counts = ReadonlyMap<string, number>;

function expectedMessages({ pushService }: SeenServer, { publishes, reports }: SeenCustomer): Counts {
  const counts = new Map<string, number>();
  const expect = (...words: readonly string[]) => counts.set(words.join(' '), (counts.get(words.join(' ')) ?? 0) + 1);
  const publishIdOf = new Map(pushService.deliveries.map(({ request, publishId }) => [request, publishId]));
  for (const { request, publishId: answered, users, hasWebhook } of publishes) {
    const publishId = answered ?? publishIdOf.get(request);
    if (publishId === undefined) continue;
    if (users) expect('v1.PublishToUsersAttempt', publishId);
    if (hasWebhook) for (const status of ['STARTED', 'FINISHED']) expect(status, publishId);
  }
  const once = new Map(
    reports.map((report) => [`${report.publishId} ${report.device.deviceId} ${report.kind}`, report]),
  );
  for (const { publishId, device, kind } of once.values()) {
    if (device.user === null) continue;
    expect(kind === 'open' ? 'v1.UserNotificationOpen' : 'v1.UserNotificationAcknowledgement', publishId, device.user);
  }
  return counts;
}

function countMessages(requestsOf: ReadonlyMap<string, readonly TargetRequest[]>): Counts {
  const counts = new Map<string, number>();
  for (const [first] of requestsOf.values()) {
    if (!first) continue;
    const key = [first.kind, first.publishId, ...(first.user === null ? [] : [first.user])].join(' ');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function differences(expected: Counts, seen: Counts): string[] {
  return [...new Set([...expected.keys(), ...seen.keys()])]
    .filter((key) => expected.get(key) !== seen.get(key))
    .map((key) => `${key}: ${expected.get(key) ?? 0} messages expected, ${seen.get(key) ?? 0} seen`);
}

/** FINISHED comes after the first attempt of STARTED. */
function overtaken(requests: readonly TargetRequest[]): string[] {
  const started = new Set<string>();
  const problems: string[] = [];
  for (const { kind, publishId } of requests) {
    if (kind === 'STARTED') started.add(publishId);
    if (kind === 'FINISHED' && !started.has(publishId)) problems.push(`FINISHED of ${publishId} overtook STARTED`);
  }
  return problems;
}
