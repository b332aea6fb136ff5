import type { TagCondition } from '../../core/ports/publish-store.ts';

/** Devices looked at for a page, over all groups of a filter: a page may be empty, but never takes long. */
export const maxLookedAt = 2_000;

export interface Scan {
  readonly instanceId: string;
  /** Device numbers: after this one … */
  readonly after: number;
  /** … and up to this one. */
  readonly end: number;
  readonly limit: number;
}

/** Matching devices in order, and how far was looked: null when to the end. */
export interface Matches {
  readonly numbers: readonly number[];
  readonly lookedUpTo: number | null;
}

/** What finds the devices that may meet all conditions of a group, leaving as few as one condition can. */
export type Candidates =
  | { readonly by: 'value'; readonly key: string; readonly value: string }
  | { readonly by: 'key'; readonly key: string }
  | { readonly by: 'nothing' };

export function candidatesOf(group: readonly TagCondition[]): Candidates {
  const equal = group.find((condition) => condition.relation === '=');
  if (equal?.relation === '=') return { by: 'value', key: equal.key, value: equal.value };
  const present = group.find(({ relation }) => relation === 'exists' || relation === '>' || relation === '<');
  return present ? { by: 'key', key: present.key } : { by: 'nothing' };
}

/** Whether a device's tags meet all conditions of a group. */
export const meets = (tags: ReadonlyMap<string, string>, group: readonly TagCondition[]): boolean =>
  group.every((condition) => meetsCondition(tags.get(condition.key), condition));

function meetsCondition(tag: string | undefined, condition: TagCondition): boolean {
  switch (condition.relation) {
    case 'exists':
      return tag !== undefined;
    case 'not_exists':
      return tag === undefined;
    case '=':
      return tag === condition.value;
    case '!=':
      return tag !== condition.value;
    case '>':
      return tag !== undefined && Number(tag) > Number(condition.value);
    case '<':
      return tag !== undefined && Number(tag) < Number(condition.value);
  }
}
