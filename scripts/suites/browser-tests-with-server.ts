import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './run-node.ts';

const folder = 'test/browser';
/** What starts the real server. */
const starter = /\/pharos-(in-browser|process)\.ts'/;

/** Paths of the browsers' tests that start a server, so that its storage makes a difference. */
export function browserTestsWithServer(): readonly string[] {
  const paths = readdirSync(join(repository, folder)).map((name) => `${folder}/${name}`);
  const found = paths.filter(
    (path) => path.endsWith('.test.ts') && starter.test(readFileSync(join(repository, path), 'utf8')),
  );
  if (found.length === 0) throw new Error(`no test in ${folder} starts a server`);
  return found;
}
