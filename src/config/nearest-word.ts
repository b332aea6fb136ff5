/** The word that is fewest edits away, or null when none is near enough to have been meant. */
export function nearestWord(text: string, words: readonly string[]): string | null {
  const [best] = words
    .map((word) => ({ word, edits: editDistance(text, word) }))
    .toSorted((one, other) => one.edits - other.edits);
  return best && best.edits <= Math.max(3, text.length / 3) ? best.word : null;
}

/** Levenshtein distance, row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, char] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replace = (row[j] as number) + (char === other ? 0 : 1);
      next.push(Math.min(replace, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row.at(-1) as number;
}
