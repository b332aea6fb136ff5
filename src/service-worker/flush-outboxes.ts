import { transact } from '../browser/database.ts';
import type { WaitingItem } from '../browser/outbox-item.ts';
import { settled } from '../browser/settled.ts';

const maxAgeMs = 7 * 24 * 3_600_000;
/** Less than browsers let a worker live after its event. */
const answerWithinMs = 20_000;
/** "At most one repeat": the second time that nobody knows what came of it is the last. */
const maxUnknownEnds = 2;

/** Sends what waits, each URL's in their order and for itself. Answers whether all outboxes are empty. Never rejects. */
export async function flushOutboxes(): Promise<boolean> {
  try {
    const urls = await transact(['outbox'], 'readonly', async (store) =>
      (await settled(store('outbox').getAll())).map((item: WaitingItem) => item.url),
    );
    const emptied = await Promise.all([...new Set(urls)].map(flushOutbox));
    return emptied.every(Boolean);
  } catch (error) {
    console.warn('Pharos: the outboxes could not be read.', error);
    return true;
  }
}

/** One Web Lock per URL keeps the order, also between two workers of the site. */
async function flushOutbox(url: string): Promise<boolean> {
  for (;;) {
    const end = await navigator.locks.request(`pharos:outbox:${url}`, { ifAvailable: true }, (lock) =>
      lock ? sendAll(url) : 'others-send',
    );
    if (end !== 'emptied') return end === 'others-send';
    // Whoever added one after our last look has found the lock taken.
    if (!(await transact(['outbox'], 'readonly', (store) => settled(store('outbox').index('url').getKey(url)))))
      return true;
  }
}

async function sendAll(url: string): Promise<'emptied' | 'stopped'> {
  for (;;) {
    const item = await takeFirst(url);
    if (!item) return 'emptied';
    const end = await send(item);
    await transact(['outbox'], 'readwrite', async (store) => {
      const outbox = store('outbox');
      if (end === 'answered') await settled(outbox.delete(item.sequence));
      // It may have had to give way to a newer one meanwhile.
      else if (end === 'failed' && (await settled(outbox.getKey(item.sequence)))) await settled(outbox.put(item));
    });
    if (end !== 'answered') return 'stopped';
  }
}

/** The oldest that may still be sent, marked beforehand: if the browser dies, it is known that it was on its way. */
function takeFirst(url: string): Promise<WaitingItem | null> {
  return transact(['outbox'], 'readwrite', async (store) => {
    const outbox = store('outbox');
    for (;;) {
      const item = (await settled(outbox.index('url').get(url))) as WaitingItem | undefined;
      if (!item) return null;
      if (item.unknownEnds < maxUnknownEnds && item.at > Date.now() - maxAgeMs) {
        await settled(outbox.put({ ...item, unknownEnds: item.unknownEnds + 1 }));
        return item;
      }
      await settled(outbox.delete(item.sequence));
    }
  });
}

async function send(item: WaitingItem): Promise<'answered' | 'failed' | 'unknown'> {
  const { url, method, mode, headers, body, endsOnRefusal } = item;
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    const { ok, type, status } = await fetch(url, { method, mode, headers, body, signal });
    // Without CORS a page may not know more: "a 500 looks like success".
    return ok || type === 'opaque' || (endsOnRefusal && status < 500) ? 'answered' : 'failed';
  } catch {
    return signal.aborted ? 'unknown' : 'failed'; // offline, refused or cut off: it waits
  }
}
