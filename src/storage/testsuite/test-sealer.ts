import { createSecretKey } from 'node:crypto';
import { createSealer } from '../../sealing/sealer.ts';

/** Seals like a server does, with a key that everybody knows. */
export const testSealer = createSealer([{ id: '00000000', key: createSecretKey(Buffer.alloc(32)) }]);
