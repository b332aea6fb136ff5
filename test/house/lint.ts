import { runTool } from './overlay.ts';

/** What oxlint has to say about one line. */
export interface Finding {
  /** Path in the linted folder. */
  readonly file: string;
  readonly line: number;
  /** Like `walls(folders)`. */
  readonly rule: string;
}

/** Lints `src` of a folder by the configuration in it. */
export async function lint(folder: string): Promise<readonly Finding[]> {
  const { stdout } = await runTool(folder, 'oxlint/bin/oxlint', ['--format=json', 'src']);
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly {
      readonly filename: string;
      readonly code?: string;
      readonly labels: readonly { readonly span: { readonly line: number } }[];
    }[];
  };
  return diagnostics.map(({ filename, code, labels }) => ({
    file: filename,
    line: labels[0]?.span.line ?? 0,
    rule: code ?? '',
  }));
}
