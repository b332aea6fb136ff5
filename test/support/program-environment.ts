/** What programs of this repository get of our environment: little, so that a test says what they are told. */
export const programEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    // Most of a start is spent on compiling, and tests start hundreds of servers: see vitest.config.ts.
    ['PATH', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
