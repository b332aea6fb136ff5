import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { MetricDefinition } from './exposition.ts';
import { metricTable } from './metric-table.ts';

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const { panels } = JSON.parse(read('grafana/pharos.json')) as { panels: readonly Panel[] };
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

const definitions: readonly MetricDefinition[] = Object.values(metricTable);
/** What a scrape holds, by name, with the labels that Prometheus adds. */
const series = new Map<string, readonly string[]>();
for (const { name, type, labels } of definitions) {
  const own = [...labels, 'job', 'instance'];
  if (type !== 'histogram') series.set(name, own);
  else for (const suffix of ['_bucket', '_sum', '_count']) series.set(name + suffix, [...own, 'le']);
}
const namesIn = (text: string): string[] => text.match(/\b(?:pharos|process|nodejs)_[a-z_]+\b/g) ?? [];

/** Labels in selectors and in `by (…)`. */
const labelsIn = (expression: string): string[] => [
  ...[...expression.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
  ...[...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  ),
];

test('the dashboard asks for nothing that is not measured', () => {
  for (const expression of expressions) {
    const names = namesIn(expression);
    expect([expression, names.filter((name) => !series.has(name))]).toEqual([expression, []]);
    const known = names.flatMap((name) => series.get(name) ?? []);
    expect([expression, labelsIn(expression).filter((label) => !known.includes(label))]).toEqual([expression, []]);
  }
});

test('all that is measured is on the dashboard', () => {
  const shown = new Set(expressions.flatMap(namesIn));
  const missing = definitions.filter(({ name, type }) => !shown.has(type === 'histogram' ? `${name}_bucket` : name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test('no panel lies on another', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const [index, { title, gridPos: one }] of panels.entries()) {
    expect([title, one.x + one.w <= 24]).toEqual([title, true]);
    for (const { title: otherTitle, gridPos: other } of panels.slice(index + 1)) {
      const apart =
        one.x + one.w <= other.x ||
        other.x + other.w <= one.x ||
        one.y + one.h <= other.y ||
        other.y + other.h <= one.y;
      expect([title, otherTitle, apart]).toEqual([title, otherTitle, true]);
    }
  }
});

test('the documentation names what is measured', () => {
  const names = namesIn(read('operations.md'));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !series.has(name) && !definitions.some((metric) => metric.name === name))).toEqual([]);
});
