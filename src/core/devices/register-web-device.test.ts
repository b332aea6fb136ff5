import { createECDH, ECDH } from 'node:crypto';
import { expect, test } from 'vitest';
import type { DeviceCommands, RegisterDevice } from '../ports/device-store.ts';
import type { WebRegistration, WebSubscription } from './register-web-device.ts';
import { registerWebDevice } from './register-web-device.ts';

const p256dh = createECDH('prime256v1').generateKeys();
const auth = Buffer.alloc(16, 7);
const endpoint = 'https://push.example/abc';

async function register(
  changes: Partial<WebSubscription>,
): Promise<{ result: WebRegistration; stored: RegisterDevice[]; logged: string }> {
  const stored: RegisterDevice[] = [];
  let logged = '';
  const info = (event: string, fields?: object): void => void (logged += event + JSON.stringify(fields));
  const registerDevices: DeviceCommands['registerDevices'] = async (items) => {
    stored.push(...items);
    const value = { kind: 'registered', deviceId: 'known', created: false, interests: ['a', 'b'] } as const;
    return items.map(() => ({ ok: true, value }));
  };
  const result = await registerWebDevice(
    {
      store: { registerDevices },
      endpointRules: { refusal: (url) => (url === endpoint ? null : 'not here') },
      maxDevices: 3,
      ids: { unguessable: () => 'new' },
      log: { info, warn: info, error: info },
    },
    { instanceId: 'instance', subscription: { endpoint, p256dh, auth, ...changes }, metadata: '{}' },
  );
  return { result, stored, logged };
}

test('the store says which device it is, and its interests', async () => {
  const { result, stored, logged } = await register({});
  expect(result).toEqual({ kind: 'registered', deviceId: 'known', created: false, interests: ['a', 'b'] });
  expect(stored).toEqual([
    {
      instanceId: 'instance',
      platform: 'web',
      deviceId: 'new',
      address: endpoint,
      keys: Buffer.concat([p256dh, auth]),
      metadata: '{}',
      maxDevices: 3,
    },
  ]);
  expect(logged).not.toContain(endpoint);
});

const offCurve = Buffer.from(p256dh);
offCurve.writeUInt8(offCurve.readUInt8(64) ^ 1, 64);
const encoded = (form: 'compressed' | 'hybrid'): Buffer =>
  ECDH.convertKey(p256dh, 'prime256v1', undefined, undefined, form) as Buffer;
const point = 'expected an uncompressed point on P-256 (65 bytes)';

test.each([
  [{ endpoint: 'https://other.example' }, 'endpoint', 'not here'],
  [{ p256dh: p256dh.subarray(0, 64) }, 'p256dh', point],
  [{ p256dh: encoded('compressed') }, 'p256dh', point],
  [{ p256dh: encoded('hybrid') }, 'p256dh', point],
  [{ p256dh: offCurve }, 'p256dh', point],
  [{ auth: Buffer.alloc(15) }, 'auth', 'expected 16 bytes'],
] as [Partial<WebSubscription>, string, string][])(
  'what cannot be pushed to is refused',
  async (changes, part, reason) => {
    const { result, stored } = await register(changes);
    expect(result).toEqual({ kind: 'refused', part, reason });
    expect(stored).toEqual([]);
  },
);
