import type { Labels } from './counter.ts';
import { seriesKey } from './counter.ts';
import type { MetricDefinition, Sample } from './exposition.ts';
import { renderFamily, renderValue } from './exposition.ts';

/** A family that counts values by size. */
export interface Histogram<Definition extends MetricDefinition> {
  observe(labels: Labels<Definition>, value: number): void;
  /** Observes in a series: for who does so often. */
  observing(labels: Labels<Definition>): (value: number) => void;
  render(): string;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Values in each bucket, not in those below it; the last one is infinity. */
  readonly counts: number[];
  sum: number;
}

export function createHistogram<Definition extends MetricDefinition & { readonly buckets: readonly number[] }>(
  definition: Definition,
): Histogram<Definition> {
  const { buckets } = definition;
  const series = new Map<string, Series>();
  const seriesOf = (labels: Readonly<Record<string, string>>): Series => {
    const key = seriesKey(definition, labels);
    const known = series.get(key);
    if (known) return known;
    const fresh = { labels, counts: Array.from({ length: buckets.length + 1 }, () => 0), sum: 0 };
    series.set(key, fresh);
    return fresh;
  };
  if (definition.labels.length === 0) seriesOf({});
  const observeIn = (found: Series, value: number): void => {
    const index = buckets.findIndex((bound) => value <= bound);
    const bucket = index === -1 ? buckets.length : index;
    found.counts[bucket] = (found.counts[bucket] ?? 0) + 1;
    found.sum += value;
  };
  return {
    observe: (labels, value) => observeIn(seriesOf(labels), value),
    observing(labels) {
      const found = seriesOf(labels);
      return (value) => observeIn(found, value);
    },
    render: () =>
      renderFamily(
        definition,
        [...series.values()].flatMap((found) => samplesOf(found, buckets)),
      ),
  };
}

/** Buckets are cumulative; that of infinity is the count. */
function samplesOf({ labels, counts, sum }: Series, buckets: readonly number[]): Sample[] {
  let below = 0;
  const samples = counts.map((count, index): Sample => {
    below += count;
    return { suffix: '_bucket', labels: { ...labels, le: renderValue(buckets[index] ?? Infinity) }, value: below };
  });
  return [...samples, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: below }];
}
