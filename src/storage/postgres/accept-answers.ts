import type { AcceptAnswer, AcceptPublish } from '../../core/ports/publish-store.ts';
import type { KeptAnswer } from '../rows/kept-answer.ts';
import { keyLifeMs } from '../rows/kept-answer.ts';
import { lockTexts } from './advisory-locks.ts';
import type { Sql } from './database.ts';
import { useName } from './use-name.ts';

const findAnswers = `
  SELECT k.n, i.answer FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS k (instance_id, key, n)
    JOIN idempotency_keys i ON i.instance_id = k.instance_id AND i.key = k.key AND i.expires_at > pharos_now()`;
const listNames = `
  SELECT u.name FROM unnest($1::bigint[]) WITH ORDINALITY AS k (number, n) JOIN users u ON u.number = k.number
  WHERE u.name IS NOT NULL ORDER BY k.n`;
const keepAnswer = `
  INSERT INTO idempotency_keys (instance_id, key, answer, expires_at) VALUES ($1, $2, $3, pharos_now() + ${keyLifeMs})
  ON CONFLICT (instance_id, key) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at`;
// Each new key takes two old ones away, so that nobody has to come and clean up.
const deleteExpired = `
  DELETE FROM idempotency_keys WHERE (instance_id, key) IN (
    SELECT instance_id, key FROM idempotency_keys WHERE expires_at <= pharos_now()
    ORDER BY expires_at LIMIT 2 FOR UPDATE SKIP LOCKED)`;

/**
 * What is known of each request: the answer of an earlier one with its key; or the index of a request before it with the same
 * key; or nothing. Nobody else accepts one of these keys until the transaction has ended.
 */
export async function takeAnswers(
  sql: Sql,
  items: readonly AcceptPublish[],
): Promise<readonly (AcceptAnswer | number | 'none')[]> {
  const known: (AcceptAnswer | number | 'none')[] = items.map(() => 'none');
  const keyed = items.flatMap(({ instanceId, idempotencyKey: key }, index) =>
    key === undefined ? [] : { instanceId, key, index },
  );
  if (keyed.length === 0) return known;
  await lockTexts(sql, 'idempotencyKeys', keyed.map(textOf));
  const rows = await sql.all<{ n: number; answer: string }>(findAnswers, [
    ...[keyed.map(({ instanceId }) => instanceId), keyed.map(({ key }) => key)],
  ]);
  const answers = new Map(rows.map(({ n, answer }) => [n - 1, answer]));
  const first = new Map<string, number>();
  for (const [n, { index, ...request }] of keyed.entries()) {
    const answer = answers.get(n);
    const before = first.get(textOf(request));
    if (answer !== undefined) known[index] = await toAnswer(sql, answer);
    else if (before !== undefined) known[index] = before;
    else first.set(textOf(request), index);
  }
  return known;
}

const textOf = ({ instanceId, key }: { readonly instanceId: string; readonly key: string }): string =>
  `${instanceId} ${key}`;

async function toAnswer(sql: Sql, text: string): Promise<AcceptAnswer> {
  const { publishId, deviceIds, aliasNumbers } = JSON.parse(text) as KeptAnswer;
  const names = aliasNumbers.length === 0 ? [] : await sql.all<{ name: string }>(listNames, [aliasNumbers]);
  return {
    publishId,
    unreached: { deviceIds, aliases: names.map(({ name }) => name) },
    replayed: true,
    finished: false,
  };
}

/** Keeps what requests with a key were answered, for 30 days. */
export async function keepAnswers(
  sql: Sql,
  items: readonly AcceptPublish[],
  answers: readonly AcceptAnswer[],
): Promise<void> {
  for (const [index, { instanceId, idempotencyKey: key }] of items.entries()) {
    const answer = answers[index];
    if (key === undefined || !answer) continue;
    await sql.run(deleteExpired);
    const aliasNumbers: number[] = [];
    for (const alias of answer.unreached.aliases) aliasNumbers.push(await useName(sql, instanceId, alias));
    const kept: KeptAnswer = { publishId: answer.publishId, deviceIds: answer.unreached.deviceIds, aliasNumbers };
    await sql.run(keepAnswer, [instanceId, key, JSON.stringify(kept)]);
  }
}
