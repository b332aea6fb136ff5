import type { Result } from '../config/read-settings.ts';
import { CommandFailure } from './command-failure.ts';

/** The settings, or a failure that lists every mistake. */
export function acceptedSettings<Settings>(result: Result<Settings>): Settings {
  if (result.ok) return result.value;
  throw new CommandFailure(['these settings are wrong:', ...result.mistakes].join('\n  - '), 2);
}
