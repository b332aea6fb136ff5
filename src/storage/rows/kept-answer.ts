/** What a request with a key was answered, without names: they stand with the users, where they are erased. */
export interface KeptAnswer {
  readonly publishId: string | null;
  readonly deviceIds: readonly string[];
  readonly aliasNumbers: readonly number[];
}

export const keyLifeMs = 30 * 86_400_000;
