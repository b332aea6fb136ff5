import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Overlay } from './overlay.ts';
import { makeOverlay, runTool } from './overlay.ts';

const uses = {
  window: 'export const planted = window.innerWidth;',
  document: 'export const planted = document.title;',
  registration: 'export const planted: ServiceWorkerGlobalScope | null = null;',
  'node:': "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;",
  process: 'export const planted = process.pid;',
} as const;
type Use = keyof typeof uses;

const environments = [
  { name: 'node', project: 'tsconfig.json', folder: 'src/core', known: ['node:', 'process'] },
  { name: 'page', project: 'tsconfig.page.json', folder: 'src/sdk', known: ['window', 'document'] },
  { name: 'worker', project: 'tsconfig.worker.json', folder: 'src/service-worker', known: ['registration'] },
] as const;

const slug = (use: string): string => `planted-${use.replace(':', '')}.ts`;

describe('the three TypeScript environments', () => {
  let overlay: Overlay;

  beforeAll(async () => {
    // The real files are there too: one that brings other globals in with it would be noticed.
    overlay = await makeOverlay([
      'src',
      'test',
      'scripts',
      'package.json',
      'tsconfig.base.json',
      'tsconfig.json',
      'tsconfig.page.json',
      'tsconfig.worker.json',
    ]);
    await overlay.plant(
      new Map(
        environments.flatMap(({ folder }) =>
          Object.entries(uses).map(([use, text]): [string, string] => [`${folder}/${slug(use)}`, text]),
        ),
      ),
    );
  });

  afterAll(() => overlay.remove());

  test.each(environments)(
    '$name: $folder knows $known and nothing of the others',
    async ({ project, folder, known }) => {
      const { output } = await runTool(overlay.path, 'typescript/bin/tsc', ['-p', project, '--pretty', 'false']);
      const refused = Object.keys(uses).filter((use) => output.includes(`${folder}/${slug(use)}(`));
      const foreign = (Object.keys(uses) as Use[]).filter((use) => !(known as readonly Use[]).includes(use));
      expect(refused).toEqual(foreign);
    },
    60_000,
  );
});
