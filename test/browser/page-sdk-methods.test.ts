import PushNotifications from '@pusher/push-notifications-server';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestBrowser } from '../support/browser.ts';
import { startBrowser } from '../support/browser.ts';
import { startCustomerSite } from '../support/customer-site.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { callClient, createClient, listAllInterests, setUser } from './page-sdk.ts';

describe("Beams' page SDK", () => {
  const authority = createTestAuthority();
  let browser: TestBrowser;
  let pharos: PharosProcess;

  beforeAll(async () => {
    browser = await startBrowser('chromium', authority);
    pharos = await startPharosProcess({ authority, fronts: [] });
  });

  afterAll(async () => {
    await pharos?.remove();
    await browser?.close();
  });

  /** A page with a client that has not been started; the site signs its tokens with the instance's key, or with another. */
  async function openPage(otherKey?: string): Promise<{ page: Page; device: (id: unknown) => Promise<unknown> }> {
    const instance = await pharos.admin('POST', '/instances', { name: 'customer' });
    const instanceId = String(instance['id']);
    const beams = new PushNotifications({ instanceId, secretKey: otherKey ?? String(instance['secretKey']) });
    const site = await startCustomerSite({
      serviceWorker: `importScripts('${pharos.origin}/pharos/worker.js');`,
      authenticate: (userId) => beams.generateToken(userId),
    });
    onTestFinished(() => site.close());
    const page = await browser.openPage(site.origin);
    onTestFinished(() => page.close());
    await page.evaluate(createClient, instanceId, pharos.origin);
    const devices = `${pharos.origin}/device_api/v1/instances/${instanceId}/devices/web`;
    return { page, device: async (id) => (await fetch(`${devices}/${String(id)}`)).json() };
  }

  test('does all that its methods say', async () => {
    const { page, device } = await openPage();
    const call = (method: string, ...args: readonly unknown[]) => page.evaluate(callClient, method, args);
    const interests = async () => (await page.evaluate(listAllInterests)).interests;

    expect(await call('getRegistrationState')).toBe('PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS');
    expect(await call('getDeviceId')).toBeNull();
    await call('start');
    expect(await call('getRegistrationState')).toBe('PERMISSION_GRANTED_REGISTERED_WITH_BEAMS');
    const deviceId = await call('getDeviceId');
    expect(deviceId).toMatch(/^web-[0-9a-f-]{36}$/);
    expect(await device(deviceId)).toEqual({ id: deviceId, userId: null, metadata: { sdkVersion: '2.1.0' } });
    await call('start');
    expect(await call('getDeviceId')).toBe(deviceId);

    // One by one, twice, and with every character that a name may have.
    const oddName = 'Az09_-=@,.;';
    for (const name of ['news', 'news', oddName]) await call('addDeviceInterest', name);
    expect(await call('getDeviceInterests')).toEqual({ interests: [oddName, 'news'] });
    for (const name of [oddName, oddName]) await call('removeDeviceInterest', name);
    expect(await interests()).toEqual(['news']);

    // Whole sets, up to the limit, read in pages of a hundred and of another size.
    const many = Array.from({ length: 250 }, (_, index) => `interest-${String(index).padStart(3, '0')}`);
    await call('setDeviceInterests', many.toReversed());
    expect(await page.evaluate(listAllInterests)).toEqual({ interests: many, pages: 3 });
    expect(await call('getDeviceInterests', 2, 'interest-100')).toEqual({
      interests: ['interest-101', 'interest-102'],
      nextCursor: 'interest-102',
    });
    await call('setDeviceInterests', many.slice(0, 100));
    expect(await page.evaluate(listAllInterests)).toEqual({ interests: many.slice(0, 100), pages: 1 });
    const most = Array.from({ length: 5000 }, (_, index) => String(index).padStart(164, 'x'));
    await call('setDeviceInterests', most);
    expect((await interests()).length).toBe(5000);
    await expect(call('addDeviceInterest', 'one-more')).rejects.toThrow('400: Interest set too large');
    await call('clearDeviceInterests');
    expect(await interests()).toEqual([]);

    expect(await call('getUserId')).toBeNull();
    await page.evaluate(setUser, 'ann');
    await page.evaluate(setUser, 'ann');
    expect(await call('getUserId')).toBe('ann');
    expect(await device(deviceId)).toMatchObject({ userId: 'ann' });
    await expect(page.evaluate(setUser, 'bob')).rejects.toThrow('Changing the `userId` is not allowed.');

    // clearAllState makes another device, that nothing is known of.
    await call('addDeviceInterest', 'news');
    await call('clearAllState');
    const nextId = await call('getDeviceId');
    expect(nextId).toMatch(/^web-/);
    expect(nextId).not.toBe(deviceId);
    expect(await call('getUserId')).toBeNull();
    expect(await interests()).toEqual([]);
    const gone = { error: 'Device not found', description: 'Could not find the device' };
    expect(await device(deviceId)).toEqual(gone);

    await call('stop');
    expect(await call('getRegistrationState')).toBe('PERMISSION_GRANTED_NOT_REGISTERED_WITH_BEAMS');
    expect(await call('getDeviceId')).toBeNull();
    expect(await device(nextId)).toEqual(gone);
    await expect(call('addDeviceInterest', 'news')).rejects.toThrow('SDK not registered with Beams');
    await call('stop');
  });

  test("says why a user's token was refused", async () => {
    const { page } = await openPage('a key that is not the key of this instance');
    await page.evaluate(callClient, 'start', []);
    await expect(page.evaluate(setUser, 'ann')).rejects.toThrow(
      "Unexpected status code 401: Unauthorized, The user token is not signed with HS256 and the instance's secret key",
    );
    expect(await page.evaluate(callClient, 'getUserId', [])).toBeNull();
  });
});
