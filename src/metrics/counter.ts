import type { MetricDefinition, Sample } from './exposition.ts';
import { renderFamily } from './exposition.ts';

/** Values of a definition's labels. */
export type Labels<Definition extends MetricDefinition> = Readonly<Record<Definition['labels'][number], string>>;

/** A family that only grows. */
export interface Counter<Definition extends MetricDefinition> {
  add(labels: Labels<Definition>, amount?: number): void;
  render(): string;
}

export function createCounter<Definition extends MetricDefinition>(definition: Definition): Counter<Definition> {
  const series = new Map<string, { readonly labels: Labels<Definition>; value: number }>();
  // A family without labels is there from the beginning: a rate needs a zero to start from.
  if (definition.labels.length === 0)
    series.set(seriesKey(definition, {}), { labels: {} as Labels<Definition>, value: 0 });
  return {
    add(labels, amount = 1) {
      const key = seriesKey(definition, labels);
      const known = series.get(key);
      if (known) known.value += amount;
      else series.set(key, { labels, value: amount });
    },
    render: () => renderFamily(definition, series.values() as Iterable<Sample>),
  };
}

export function seriesKey(definition: MetricDefinition, labels: Readonly<Record<string, string>>): string {
  let key = '';
  for (const label of definition.labels) key += `${labels[label]}\0`;
  return key;
}
