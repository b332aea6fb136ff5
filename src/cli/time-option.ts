import { InvalidArgumentError } from 'commander';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2026-01-31T12:00:00Z`, or how long ago: `90s`, `15m`, `2h`, `3d`. Answers ISO 8601. */
export function parseTimeOption(text: string): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at = unit === undefined ? Date.parse(text) : Date.now() - Number(count) * (unitMs[unit] ?? 0);
  if (Number.isNaN(at)) throw new InvalidArgumentError('It must be a time like 2026-01-31T12:00:00Z, or like 2h.');
  return new Date(at).toISOString();
}
