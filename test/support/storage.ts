const names = ['sqlite', 'postgres'] as const;
export type StorageName = (typeof names)[number];

/** Where the servers and stores of this run keep what they are told: `PHAROS_TEST_STORAGE`. */
export const storage: StorageName = readStorage(process.env['PHAROS_TEST_STORAGE'] ?? 'sqlite');

function readStorage(text: string): StorageName {
  const name = names.find((known) => known === text);
  if (!name) throw new Error(`PHAROS_TEST_STORAGE is one of ${names.join(', ')}, not "${text}"`);
  return name;
}
