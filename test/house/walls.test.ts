import { posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageOwners, wallOf, walls } from '../../scripts/lint/walls.ts';
import type { Finding } from './lint.ts';
import { lint } from './lint.ts';
import type { Overlay } from './overlay.ts';
import { makeOverlay, repository } from './overlay.ts';

/** Written out again, so that a loosened wall in the rule's own table is noticed here. */
const permitted: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  'core/ports': ['protocol'],
  core: ['core/ports', 'protocol', 'sealing'],
  wire: ['core', 'core/ports', 'protocol'],
  gateways: ['core/ports', 'protocol'],
  egress: ['core/ports', 'protocol'],
  storage: ['core/ports', 'protocol', 'sealing'],
  sealing: ['core/ports', 'protocol'],
  'data-folder': ['core/ports', 'protocol'],
  logging: ['core/ports', 'protocol'],
  metrics: ['core/ports', 'protocol'],
  config: ['protocol'],
  webhooks: ['protocol'],
  browser: ['protocol'],
  sdk: ['browser', 'protocol'],
  'service-worker': ['browser', 'protocol'],
  dashboard: ['protocol'],
};
const owners: Readonly<Record<string, readonly string[]>> = {
  'node:sqlite': ['storage', 'data-folder'],
  fastify: ['wire', 'main.ts'],
  undici: ['egress'],
  pino: ['logging'],
  commander: ['cli'],
  pg: ['storage'],
  'node:process': [],
};
const ownersOfNetwork = ['wire', 'egress', 'cli', 'config'];
const composing = ['main.ts', 'process', 'cli'];
const places = [...Object.keys(permitted), ...composing];

const isPermitted = (from: string, to: string): boolean =>
  from === to || composing.includes(from) || (permitted[from] ?? []).includes(to);

/** Paths of a place at two depths; `main.ts` is a file already. */
const pathsOf = (place: string, name: string): readonly string[] =>
  place === 'main.ts' ? ['src/main.ts'] : [`src/${place}/${name}.ts`, `src/${place}/deep/${name}.ts`];

const filesOf = (place: string): readonly string[] => pathsOf(place, 'planted');
/** Imported but not there, or all that is planted would be one knot of cycles. */
const targetsOf = (place: string): readonly string[] => pathsOf(place, 'target');

const kinds: Readonly<Record<string, (specifier: string, index: number) => string>> = {
  static: (specifier) => `import '${specifier}';`,
  'static re-export': (specifier) => `export * from '${specifier}';`,
  'type-only': (specifier, index) => `import type { Planted as Planted${index} } from '${specifier}';`,
  'type expression': (specifier, index) => `export type Type${index} = import('${specifier}').Planted;`,
  dynamic: (specifier) => `await import('${specifier}');`,
  'dynamic by template': (specifier) => `await import(\`${specifier}\`);`,
  'worker thread': (specifier) => `new Worker(new URL('${specifier}', import.meta.url));`,
};

interface Plant {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly file: string;
  readonly line: number;
}

const specifierFor = (file: string, target: string): string => {
  const path = posix.relative(posix.dirname(file), target);
  return path.startsWith('.') ? path : `./${path}`;
};

/** Every ordered pair of places in every kind of import, one a line; importer and target at both depths. */
function plantPairs(): { readonly files: Map<string, string>; readonly plants: readonly Plant[] } {
  const files = new Map<string, string>();
  const plants: Plant[] = [];
  for (const from of places) {
    for (const file of filesOf(from)) {
      const lines: string[] = [];
      for (const to of places) {
        for (const target of targetsOf(to)) {
          for (const [kind, statement] of Object.entries(kinds)) {
            lines.push(statement(specifierFor(file, target), lines.length));
            plants.push({ from, to, kind, file, line: lines.length });
          }
        }
      }
      files.set(file, lines.join('\n'));
    }
  }
  return { files, plants };
}

const otherPlants: ReadonlyMap<string, string> = new Map([
  ['src/core/cycle/first.ts', "import { second } from './second.ts';\nexport const first = (): number => second();\n"],
  ['src/core/cycle/second.ts', "import { first } from './first.ts';\nexport const second = (): number => first();\n"],
  ['src/core/any.ts', 'export const anything: any = 1;\n'],
  ['src/core/computed.ts', "const name = './clock.ts';\nexport const clock = await import(name);\n"],
  ['src/core/outside.ts', "import '../../bench/main.ts';\n"],
  ['src/core/packages.ts', "import { DatabaseSync } from 'node:sqlite';\nexport const database = DatabaseSync;\n"],
  ['src/elsewhere/file.ts', 'export const nobodySaidWhatThisFolderMayImport = true;\n'],
  ...['core', 'sdk', 'service-worker'].map((place): [string, string] => [
    `src/${place}/floating.ts`,
    'const work = async (): Promise<void> => {};\nexport function start(): void {\n  work();\n}\n',
  ]),
  ...['core', 'cli', 'config'].map((place): [string, string] => [
    `src/${place}/environment.ts`,
    [
      'export const a = process.env.PHAROS_PORT;',
      "export const b = process['env']['PHAROS_PORT'];",
      'export const c = globalThis.process.env;',
      'export const { env } = process;',
    ].join('\n'),
  ]),
]);

describe('the walls between the folders of src', () => {
  const { files, plants } = plantPairs();
  let overlay: Overlay;
  let findings: readonly Finding[];

  const linesOf = (rule: string, file: string): readonly number[] =>
    findings
      .filter((finding) => finding.rule === rule && finding.file === file)
      .map(({ line }) => line)
      .toSorted((a, b) => a - b);

  beforeAll(async () => {
    overlay = await makeOverlay([
      '.oxlintrc.json',
      'scripts/lint',
      'tsconfig.base.json',
      'tsconfig.json',
      'tsconfig.worker.json',
      'src/service-worker/tsconfig.json',
    ]);
    await overlay.plant(new Map([...files, ...otherPlants]));
    findings = await lint(overlay.path);
  });

  afterAll(() => overlay.remove());

  test('know the same places and packages as this test', () => {
    expect(walls.map(({ place }) => place).toSorted()).toEqual(places.toSorted());
    const network = ['http', 'https', 'http2', 'net', 'tls', 'dns', 'dns/promises'].map((name) => `node:${name}`);
    const ofNetwork = Object.fromEntries(network.map((name) => [name, ownersOfNetwork]));
    expect(Object.fromEntries(packageOwners)).toEqual({ ...owners, ...ofNetwork });
  });

  test('have every file of the tree behind them', () => {
    expect(wallOf('elsewhere/file.ts')).toBeNull();
    expect(linesOf('walls(folders)', 'src/elsewhere/file.ts')).toEqual([1]);
  });

  test.each(places)('report every forbidden import of src/%s and no other', (place) => {
    const reported = filesOf(place).flatMap((file) =>
      linesOf('walls(folders)', file).map((line) => plants.find((plant) => plant.file === file && plant.line === line)),
    );
    const forbidden = plants.filter(({ from, to }) => from === place && !isPermitted(from, to));
    expect(reported).toEqual(forbidden);
    expect(forbidden.length > 0).toBe(!composing.includes(place));
  });

  test('report computed imports and those that leave src', () => {
    expect(linesOf('walls(folders)', 'src/core/computed.ts')).toEqual([2]);
    expect(linesOf('walls(folders)', 'src/core/outside.ts')).toEqual([1]);
  });

  test('report packages that belong to another place', () => {
    expect(linesOf('walls(packages)', 'src/core/packages.ts')).toEqual([1]);
  });

  test('report import cycles', () => {
    expect(linesOf('import(no-cycle)', 'src/core/cycle/first.ts')).toHaveLength(1);
    expect(linesOf('import(no-cycle)', 'src/core/cycle/second.ts')).toHaveLength(1);
  });

  test('let only src/config read the environment', () => {
    expect(linesOf('walls(environment)', 'src/core/environment.ts')).toEqual([1, 2, 3, 4]);
    expect(linesOf('walls(environment)', 'src/cli/environment.ts')).toEqual([1, 2, 3, 4]);
    expect(linesOf('walls(environment)', 'src/config/environment.ts')).toEqual([]);
  });

  test.each(['core', 'sdk', 'service-worker'])('come with type-aware rules in src/%s', (place) => {
    expect(linesOf('typescript(no-floating-promises)', `src/${place}/floating.ts`)).toEqual([3]);
  });

  test('come with a rule against any', () => {
    expect(linesOf('typescript(no-explicit-any)', 'src/core/any.ts')).toEqual([1]);
  });
});

test('the tree as it is keeps within the walls', async () => {
  const findings = await lint(repository);
  expect(findings.filter(({ rule }) => /^walls|no-cycle/.test(rule))).toEqual([]);
});
