import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminWorld } from './admin-world.ts';
import { openAdminWorld, refusal } from './admin-world.ts';

const url = 'https://site.example/hook';
const [displayed, clicked] = ['v1.NotificationDisplayed', 'v1.NotificationClicked'];

describe('webhooks with classic bodies', () => {
  let world: AdminWorld;
  let instanceId: string;
  let webhooks: string;
  beforeEach(async () => {
    world = await openAdminWorld();
    instanceId = (await world.created('/instances', { name: 'shop' })).id;
    webhooks = `/instances/${instanceId}/webhooks`;
  });
  afterEach(() => world.close());

  const make = (events: readonly unknown[], format = 'classic') => world.created(webhooks, { url, format, events });
  const relayed = () => world.directory.listRelayedEvents(instanceId);

  it('are made and listed with their format', async () => {
    const webhook = await make([clicked]);
    expect(webhook).toMatchObject({ url, format: 'classic', events: [clicked] });
    expect(await world.call('GET', webhooks)).toMatchObject({ body: { webhooks: [{ format: 'classic' }] } });
  });

  it.each([
    [{ format: 'classic', events: [clicked, 'v1.UserNotificationOpen'] }, /^`events`: .*"v1.NotificationDismissed"\.$/],
    [{ format: 'classic', events: [] }, /^`events`/],
    [{ format: 'classic', events: [clicked], customData: { a: 1 } }, /^`customData`: must be empty/],
    [{ format: 'other', events: [clicked] }, /^`format`: .*"beams".*"classic"/],
  ])('are refused with what is expected: %#', async (input, message) => {
    const body = refusal('invalid-request', message);
    expect(await world.call('POST', webhooks, { url, ...input })).toEqual({ status: 400, body });
  });

  it.each([
    [{ events: ['v1.PublishToUsersAttempt'] }, /^`events`/],
    [{ customData: { a: 1 } }, /^`customData`/],
    [{ format: 'beams' }, /`?format`?/],
  ])('cannot be changed into what they cannot be: %#', async (change, message) => {
    const { id } = await make([clicked]);
    const body = refusal('invalid-request', message);
    expect(await world.call('PATCH', `${webhooks}/${id}`, change)).toEqual({ status: 400, body });
  });

  it('relay what the enabled ones get, each event once, at once', async () => {
    expect(await relayed()).toEqual([]);
    await make([displayed, clicked], 'beams');
    expect(await relayed()).toEqual([]);
    const first = await make([clicked]);
    const second = await make([clicked, displayed]);
    expect(await relayed()).toEqual(['notification.displayed', 'notification.clicked']);
    await world.call('PATCH', `${webhooks}/${second.id}`, { disabled: true });
    expect(await relayed()).toEqual(['notification.clicked']);
    await world.call('PATCH', `${webhooks}/${first.id}`, { events: [displayed] });
    expect(await relayed()).toEqual(['notification.displayed']);
    await world.call('DELETE', `${webhooks}/${first.id}`);
    expect(await relayed()).toEqual([]);
    await world.call('PATCH', `${webhooks}/${second.id}`, { disabled: false });
    expect(await relayed()).toEqual(['notification.displayed', 'notification.clicked']);
  });
});
