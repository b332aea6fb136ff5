import { hash } from 'node:crypto';

const bytes = 6;

/** What devices are found by at their address: 48 bits, an exact number in JavaScript. Equal hashes are no equal addresses. */
export const addressHash = (device: {
  readonly instanceId: string;
  readonly platform: string;
  readonly address: string;
}): number =>
  hash('sha256', `${device.instanceId} ${device.platform} ${device.address}`, 'buffer').readUIntBE(0, bytes);
