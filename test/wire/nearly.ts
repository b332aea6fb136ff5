import fc from 'fast-check';

/** JSON of objects that are nearly right: known keys with any values, and right ones in between. */
export const nearly = (valid: Readonly<Record<string, unknown>>): fc.Arbitrary<string> =>
  fc
    .record(
      Object.fromEntries(
        Object.entries(valid).map(([key, value]) => [
          key,
          fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, fc.jsonValue()),
        ]),
      ),
      { requiredKeys: [] },
    )
    .map((body) => JSON.stringify(body));
