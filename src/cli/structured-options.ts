import { InvalidArgumentError } from 'commander';

export const splitList = (text: string): string[] => text.split(',').map((item) => item.trim());

export function parseWholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

export function parsePerSecond(text: string): number {
  const value = Number(text);
  if (text !== '' && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

export function parseJsonOption(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    throw new InvalidArgumentError('It is not JSON.');
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}
