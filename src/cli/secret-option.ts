import { readFileSync } from 'node:fs';
import { CommandFailure } from './command-failure.ts';

/** Secrets come from files: arguments can be read by everyone on the machine. */
export function readSecretOption(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CommandFailure(`the secret cannot be read: ${(cause as Error).message}`, 2, { cause });
  }
}
