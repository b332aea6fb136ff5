import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import type { AdminWorld } from './admin-world.ts';
import { openAdminWorld, unknownId } from './admin-world.ts';
import type { World } from './beams-world.ts';
import { openWorld } from './beams-world.ts';
import { inMemory } from './send.ts';

let store: Store;
let world: World;
let adminWorld: AdminWorld;
beforeAll(async () => {
  store = await openTestStore();
  world = await openWorld(store);
  adminWorld = await openAdminWorld();
});
afterAll(async () => {
  await world.app.close();
  await store.close();
  await adminWorld.close();
});

/** For browsers and phones, which have no key, and for load balancers. `PUT …/user` asks for a user token. */
const keyless = /^\/(?:(?:device_api\/v1|page_api\/v1|reporting_api\/v2)\/instances\/:instance\/|healthz$|readyz$)/;
const ofUser = 'PUT /device_api/v1/instances/:instance/devices/:platform/:device/user';

async function statusOf(app: World['app'], route: string): Promise<number> {
  const [method = '', pattern = ''] = route.split(' ');
  const { instance = '' } = world.values;
  const values: Record<string, string> = { instance, platform: 'web', device: `web-${unknownId}` };
  const path = pattern.replace(/:(\w+)/g, (_, name: string) => values[name] ?? unknownId).replace('*', 'x');
  const send = await inMemory(app);
  const hasBody = /^(?:POST|PUT|PATCH)$/.test(method);
  const { status } = await send({
    method,
    path: `${path}?app_id=${instance}`,
    headers: { authorization: `Bearer ${'wrong'.repeat(8)}`, ...(hasBody && { 'content-type': 'application/json' }) },
    body: hasBody ? JSON.stringify({ app_id: instance }) : null,
  });
  return status;
}

test('who has no key gets nowhere but where none is asked for', async () => {
  const asking = world.routes.filter((route) => !keyless.test(route.split(' ')[1] ?? '') || route === ofUser);
  expect(asking).toContain('POST /publish_api/v1/instances/:instance/publishes/users');
  expect(asking).toContain('DELETE /notifications/:id');
  for (const route of asking)
    expect([route, await statusOf(world.app, route)]).toEqual([route, expect.toBeOneOf([401, 403])]);
  const statuses = await Promise.all(
    [...world.routes].filter((route) => !asking.includes(route)).map((route) => statusOf(world.app, route)),
  );
  expect(statuses).not.toContain(401);
});

test('nothing of the admin API is answered without its token', async () => {
  const { routes, app } = adminWorld;
  expect(routes).toContain('GET /metrics');
  expect(routes).toContain('DELETE /admin/v1/instances/:instanceId/webhooks/:webhookId');
  for (const route of [...routes, 'GET /admin/v1/nowhere'])
    expect([route, await statusOf(app, route)]).toEqual([route, 401]);
});
