import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageOwners, wallOf } from './walls.ts';

/**
 * The walls between the folders of `src`, as rules of oxlint. Its own `no-restricted-imports` does not see `import()`
 * and matches texts, for which `../webhooks/` is one folder here and another there; these rules resolve the path.
 */

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface RuleContext {
  readonly filename: string;
  report(problem: { readonly node: Node; readonly message: string }): void;
}

type Visitor = Readonly<Record<string, (node: Node) => void>>;

const root = fileURLToPath(new URL('../../', import.meta.url));
const testFile = /\.(test|testsuite)\.ts$/;

/** Text of a string literal or of a template without expressions. */
function literalText(node: unknown): string | null {
  const { type, value, quasis, literal } = (node ?? {}) as {
    type?: string;
    value?: unknown;
    quasis?: readonly { readonly value: { readonly cooked: string } }[];
    literal?: unknown;
  };
  if (type === 'Literal' && typeof value === 'string') return value;
  if (type === 'TemplateLiteral' && quasis?.length === 1) return quasis[0]?.value.cooked ?? null;
  if (type === 'TSLiteralType') return literalText(literal);
  return null;
}

/** Calls `check` for everything that makes one module know another; the specifier is null when it is computed. */
function visitImports(check: (node: Node, specifier: string | null) => void): Visitor {
  const fromSource = (node: Node): void => {
    if (node['source']) check(node, literalText(node['source']));
  };
  return {
    ImportDeclaration: fromSource,
    ExportNamedDeclaration: fromSource,
    ExportAllDeclaration: fromSource,
    ImportExpression: fromSource,
    TSImportType: (node) => check(node, literalText(node['source'] ?? node['argument'])),
    TSExternalModuleReference: (node) => check(node, literalText(node['expression'])),
    CallExpression: (node) => {
      const [first] = node['arguments'] as readonly Node[];
      if ((node['callee'] as Node)['name'] === 'require') check(node, literalText(first));
    },
    // `new Worker(new URL('./x.ts', import.meta.url))` runs another module just as well.
    NewExpression: (node) => {
      const [first] = node['arguments'] as readonly Node[];
      const specifier = literalText(first);
      if ((node['callee'] as Node)['name'] === 'URL' && specifier && /^\..*\.ts$/.test(specifier))
        check(node, specifier);
    },
  };
}

const folders = {
  create(context: RuleContext): Visitor {
    const file = relative(root, context.filename);
    const own = wallOf(relative('src', file));
    return {
      Program: (node) => {
        if (!own) context.report({ node, message: `${file} is in no folder that scripts/lint/walls.ts knows.` });
      },
      ...visitImports((node, specifier) => {
        if (!own) return;
        if (specifier === null) {
          context.report({ node, message: 'A computed import goes around the walls.' });
          return;
        }
        if (!specifier.startsWith('.')) return;
        const target = relative(root, resolve(dirname(context.filename), specifier));
        if (!target.startsWith('src/')) {
          const allowed = target === 'package.json' || (testFile.test(file) && target.startsWith('test/support/'));
          if (!allowed) context.report({ node, message: `${file} must not import ${target}, which is outside src.` });
          return;
        }
        const other = wallOf(relative('src', target));
        const allowed =
          other === own || own.mayImport === 'everything' || (other !== null && own.mayImport.includes(other.place));
        if (!allowed) {
          context.report({ node, message: `src/${own.place} must not import ${target}: scripts/lint/walls.ts.` });
        }
      }),
    };
  },
};

const packages = {
  create(context: RuleContext): Visitor {
    const file = relative(root, context.filename);
    const own = wallOf(relative('src', file));
    if (!own || testFile.test(file)) return {};
    return visitImports((node, specifier) => {
      const owners = specifier === null ? undefined : packageOwners.get(specifier);
      if (owners && !owners.includes(own.place)) {
        context.report({ node, message: `src/${own.place} must not import ${specifier}: scripts/lint/walls.ts.` });
      }
    });
  },
};

const environment = {
  create(context: RuleContext): Visitor {
    const message = 'Only src/config reads the environment.';
    return {
      MemberExpression: (node) => {
        if (propertyName(node) === 'env' && isProcess(node['object'] as Node)) context.report({ node, message });
      },
      VariableDeclarator: (node) => {
        const pattern = node['id'] as Node;
        if (pattern.type !== 'ObjectPattern' || !node['init'] || !isProcess(node['init'] as Node)) return;
        const names = (pattern['properties'] as readonly Node[]).map((property) => (property['key'] as Node)?.['name']);
        if (names.includes('env') || names.includes(undefined)) context.report({ node, message });
      },
    };
  },
};

/** `process` and `globalThis.process` */
const isProcess = (node: Node): boolean => node['name'] === 'process' || propertyName(node) === 'process';

/** `env` of `process.env` and of `process['env']`. */
function propertyName(node: Node): unknown {
  if (node.type !== 'MemberExpression') return undefined;
  const property = node['property'] as Node;
  return node['computed'] ? literalText(property) : property['name'];
}

export default { meta: { name: 'walls' }, rules: { folders, packages, environment } };
