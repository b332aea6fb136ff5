import type { MetricDefinition, Sample } from './exposition.ts';
import { renderFamily } from './exposition.ts';

/** Values of a definition's labels. */
export type Labels<Definition extends MetricDefinition> = Readonly<Record<Definition['labels'][number], string>>;

/** A family that only grows. */
export interface Counter<Definition extends MetricDefinition> {
  add(labels: Labels<Definition>, amount?: number): void;
  /** Adds one to a series: for who counts in it often. */
  adding(labels: Labels<Definition>): () => void;
  render(): string;
}

export function createCounter<Definition extends MetricDefinition>(definition: Definition): Counter<Definition> {
  const series = new Map<string, { readonly labels: Labels<Definition>; value: number }>();
  // A family without labels is there from the beginning: a rate needs a zero to start from.
  if (definition.labels.length === 0)
    series.set(seriesKey(definition, {}), { labels: {} as Labels<Definition>, value: 0 });
  const seriesOf = (labels: Labels<Definition>) => {
    const key = seriesKey(definition, labels);
    const known = series.get(key);
    if (known) return known;
    const fresh = { labels, value: 0 };
    series.set(key, fresh);
    return fresh;
  };
  return {
    add(labels, amount = 1) {
      seriesOf(labels).value += amount;
    },
    adding(labels) {
      const found = seriesOf(labels);
      return () => void (found.value += 1);
    },
    render: () => renderFamily(definition, series.values() as Iterable<Sample>),
  };
}

export function seriesKey(definition: MetricDefinition, labels: Readonly<Record<string, string>>): string {
  let key = '';
  for (const label of definition.labels) key += `${labels[label]}\0`;
  return key;
}
