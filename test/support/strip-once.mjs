/**
 * Node 22 strips the types of each module anew in each process and each of its threads, which is half of a start, and
 * tests start hundreds of servers. Loaded before them, this keeps what Node made of a module, as Node 24's compile cache
 * does by itself. See vitest.config.ts.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';

const folder = fileURLToPath(new URL(`../../node_modules/.cache/stripped-${process.version}/`, import.meta.url));
mkdirSync(folder, { recursive: true });

function strip(text) {
  const file = join(folder, createHash('sha256').update(text).digest('hex'));
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const stripped = withoutWarning(() => stripTypeScriptTypes(text));
    // Others read it, or write it too, and whoever writes may be killed.
    const ownFile = `${file}-${process.pid}-${threadId}`;
    writeFileSync(ownFile, stripped);
    renameSync(ownFile, file);
    return stripped;
  }
}

/** Node warns that this is experimental, on the standard error of whatever program was started, and only of the first one. */
function withoutWarning(work) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

registerHooks({
  load(url, context, nextLoad) {
    const { protocol, pathname } = new URL(url);
    if (protocol !== 'file:' || !pathname.endsWith('.ts')) return nextLoad(url, context);
    const source = strip(readFileSync(fileURLToPath(url), 'utf8'));
    return { format: 'module', source, shortCircuit: true };
  },
});
