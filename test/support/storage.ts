const names = ['sqlite', 'postgres'] as const;

/** Where the servers and stores of this run keep what they are told: `PHAROS_TEST_STORAGE`. */
export const storage: (typeof names)[number] = readStorage(process.env['PHAROS_TEST_STORAGE'] ?? 'sqlite');

function readStorage(text: string): (typeof names)[number] {
  const name = names.find((known) => known === text);
  if (!name) throw new Error(`PHAROS_TEST_STORAGE is one of ${names.join(', ')}, not "${text}"`);
  return name;
}
