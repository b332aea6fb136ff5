import { expect, test } from 'vitest';
import { createCredentialsPause } from './credentials-pause.ts';

function open() {
  let now = 0;
  const logged: string[] = [];
  const write = (event: string) => void logged.push(event);
  const log = { info: write, warn: write, error: write };
  const pause = createCredentialsPause({ platform: 'apns', clock: () => now, log });
  const credentials = {};
  const used = (app: string | number) => ({ instanceId: 'x', credentials, app: String(app) });
  return { pause, logged, used, later: (ms: number) => void (now += ms) };
}

test('pauses what was refused, says so once, and ends with time or success', () => {
  const { pause, logged, used, later } = open();
  pause.refused(used('shop'), 'no');
  pause.refused(used('shop'), 'no');
  expect(pause.outcome(used('shop'))).toEqual({ kind: 'unauthorized', reason: 'no', retryAfterMs: 60_000 });
  expect(pause.outcome(used('news'))).toBeNull();
  later(60_000);
  expect(pause.outcome(used('shop'))).toBeNull();
  pause.refused(used('shop'), 'no');
  pause.accepted(used('news'));
  pause.accepted(used('shop'));
  expect(pause.outcome(used('shop'))).toBeNull();
  expect(logged).toEqual(['platform.paused', 'platform.paused', 'platform.resumed']);
});

test('apps that strangers make up end no other pause, and fill no log', () => {
  const { pause, logged, used, later } = open();
  pause.refused(used('shop'), 'no');
  for (let app = 0; app < 3_000; app++) expect(pause.refused(used(app), 'no').kind).toBe('unauthorized');
  expect(pause.outcome(used('shop'))).not.toBeNull();
  expect(logged).toHaveLength(10);
  later(60_000);
  pause.refused(used('shop'), 'no');
  expect(pause.outcome(used('shop'))).not.toBeNull();
});
