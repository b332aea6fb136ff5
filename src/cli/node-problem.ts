/** As in `engines` of package.json: it runs TypeScript as it is, and has SQLite. */
const [leastMajor, leastMinor] = [22, 18];

/** What is wrong with this version of Node (`process.versions.node`), in words; null when nothing is. */
export function nodeProblem(version: string, executable: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return null;
  return `Pharos needs Node ${leastMajor}.${leastMinor} or newer, and ${executable} is ${version}: install a newer one, and put it first in PATH.`;
}
