import { parentPort } from 'node:worker_threads';
import { bodyBytes, createEncryptor, subscriptionKeyBytes } from './encryption.ts';
import type { EncryptionJob, EncryptionResult } from './encryption-job.ts';

const encryptor = createEncryptor();

parentPort?.on('message', ({ id, payload, keys }: EncryptionJob) => {
  const count = keys.length / subscriptionKeyBytes;
  const size = bodyBytes(payload.length);
  const bodies = new Uint8Array(count * size);
  const valid = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) {
    const subscriptionKeys = keys.subarray(index * subscriptionKeyBytes, (index + 1) * subscriptionKeyBytes);
    const target = bodies.subarray(index * size, (index + 1) * size);
    valid[index] = Number(encryptor.encrypt(payload, subscriptionKeys, target));
  }
  const result: EncryptionResult = { id, bodies, valid };
  parentPort?.postMessage(result, [bodies.buffer, valid.buffer]);
});
