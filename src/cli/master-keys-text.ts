import type { MasterKeysStatus } from '../core/secrets/master-keys.ts';
import { formatFields } from './format-text.ts';

export function masterKeysText({ keys: [sealing, ...retiring], resealing }: MasterKeysStatus): string {
  if (!resealing) return `Everything is sealed with the master key ${sealing}.`;
  return formatFields({
    'seals now': sealing,
    'being retired': retiring,
    'sealed anew': resealing.values,
    problem: resealing.problem,
  });
}
