/** A value, or what the text should have been: fits after "but should be". */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly expected: string };

/** One row of the table of settings. */
export interface Setting<Value> {
  /** Environment variable. Its flag follows from it: `PHAROS_DATA_DIR` is `--data-dir`. */
  readonly name: `PHAROS_${string}`;
  /** What stands for the value in the help; null for a switch (`true` or `false`, as a flag without value: true). */
  readonly placeholder: string | null;
  /** What applies when it is not set, in words; null: nothing does. */
  readonly defaultText: string | null;
  readonly defaultValue: () => Value;
  readonly parse: (text: string) => Parsed<Value>;
  /** Markdown sentences. */
  readonly doc: string;
  /** A value for `.env.example`. */
  readonly example: string;
  /** Has no flag, since others on the machine see those, and is never printed. */
  readonly secret?: true;
}

/** `PHAROS_DATA_DIR` → `data-dir` */
export const flagOf = (setting: Pick<Setting<unknown>, 'name'>): string =>
  setting.name.slice('PHAROS_'.length).toLowerCase().replaceAll('_', '-');
