import { settled } from './settled.ts';

/** A request that the worker sends as soon as it can; those to one URL in their order. */
export interface OutboxItem {
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  readonly mode: 'cors' | 'no-cors';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether an answer of 4xx ends it; otherwise only 2xx does. In mode `no-cors` any answer does. */
  readonly endsOnRefusal: boolean;
}

/** As it waits in the database. */
export interface WaitingItem extends OutboxItem {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How often it was sent without being known what came of it: the browser died or the receiver never answered. */
  readonly unknownEnds: number;
}

const maxItemsPerUrl = 200;

/** Within a transaction. An outbox that is full loses its oldest. */
export async function addToOutbox(outbox: IDBObjectStore, items: readonly OutboxItem[]): Promise<void> {
  for (const item of items) {
    const waiting = await settled(outbox.index('url').getAllKeys(item.url));
    for (const key of waiting.slice(0, Math.max(0, waiting.length - maxItemsPerUrl + 1)))
      await settled(outbox.delete(key));
    await settled(outbox.add({ ...item, at: Date.now(), unknownEnds: 0 }));
  }
}
