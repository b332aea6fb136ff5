import { createHash, randomInt } from 'node:crypto';

/** A number from 0 up to `bound`, always the same for the same words. */
export function chosenBy(bound: number, ...words: readonly (string | number)[]): number {
  return createHash('sha256').update(words.join('\n')).digest().readUInt32BE(0) % bound;
}

/** `FAULT_SEED`, or a fresh one: printed by whoever uses it, so that a run can be repeated. */
export const readSeed = (): number => Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 31));
