/**
 * UUIDs v7 in the order in which this thread made them (RFC 9562, section 6.2, method 1: the 12 bits after the time count
 * within a millisecond, from a random number whose first bit is 0). The 62 bits after the variant are all chance.
 */
export function uuidV7(now = Date.now()): string {
  const chance = crypto.randomUUID();
  if (now > lastMs) {
    lastMs = now;
    counter = firstCount(chance);
  } else {
    // The clock stands still, or went back.
    counter += 1;
    if (counter > 0xfff) {
      lastMs += 1;
      counter = firstCount(chance);
    }
  }
  const count = (0x7000 + counter).toString(16);
  return `${timeDigits(lastMs)}-${count}${chance.slice(18)}`;
}

/** A UUID v7 that is all chance after its time, in milliseconds since 1970: it does not follow from its neighbours. */
export const chanceUuidV7 = (ms = Date.now()): string => `${timeDigits(ms)}-7${crypto.randomUUID().slice(15)}`;

let lastMs = 0;
let counter = 0;

/** 11 random bits. */
const firstCount = (chance: string): number => Number.parseInt(chance.slice(0, 3), 16) >> 1;

let digitsMs = Number.NaN;
let digits = '';

/** `xxxxxxxx-xxxx`. Many ids are of the same millisecond. */
function timeDigits(ms: number): string {
  if (ms !== digitsMs) {
    const all = ms.toString(16).padStart(12, '0');
    digits = `${all.slice(0, 8)}-${all.slice(8)}`;
    digitsMs = ms;
  }
  return digits;
}
