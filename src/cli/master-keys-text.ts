import type { MasterKeysStatus } from '../core/secrets/master-keys.ts';
import { formatFields } from './format-text.ts';

export function masterKeysText({ keys: [sealing, ...retiring], missing, resealing }: MasterKeysStatus): string {
  const lack =
    missing.length === 0
      ? ''
      : `\nPut back into master-keys.json and restart, something waits for it: ${missing.join(', ')}.`;
  if (!resealing) return `Everything is sealed with the master key ${sealing}.${lack}`;
  const fields = formatFields({
    'seals now': sealing,
    'being retired': retiring,
    'sealed anew': resealing.values,
    problem: resealing.problem,
  });
  return `${fields}${lack}`;
}
