import { expect, test } from 'vitest';
import { createCounter } from './counter.ts';
import { createHistogram } from './histogram.ts';
import { createMetrics } from './create-metrics.ts';
import { parsePrometheusText } from '../../test/support/prometheus-text.ts';

const requests = {
  name: 'requests_total',
  type: 'counter',
  help: 'A \\ and\na line.',
  labels: ['path', 'status'],
} as const;
const seconds = { name: 'seconds', type: 'histogram', help: 'Time.', labels: ['path'], buckets: [0.5, 1] } as const;

const nothingRead = { store: null, targets: { open: 0, 'half-open': 0, slowed: 0 } };

test('a counter: one sample for each set of labels, whatever they hold', () => {
  const counter = createCounter(requests);
  const odd = '"\\n\n,}=';
  counter.add({ path: odd, status: '200' });
  counter.add({ status: '200', path: odd }, 2);
  counter.add({ path: '/', status: '404' });
  const [family] = parsePrometheusText(counter.render());
  expect(family?.help).toBe('A \\\\ and\\na line.');
  expect(family?.samples).toEqual([
    { name: 'requests_total', labels: { path: odd, status: '200' }, value: 3 },
    { name: 'requests_total', labels: { path: '/', status: '404' }, value: 1 },
  ]);
});

test('a histogram: a value on the bound is in the bucket, buckets hold those below them', () => {
  const histogram = createHistogram(seconds);
  for (const value of [0.5, 0.75, 1, 7]) histogram.observe({ path: '/' }, value);
  const [family] = parsePrometheusText(histogram.render());
  const values = family?.samples.map(({ name, labels, value }) => [name.slice('seconds'.length), labels['le'], value]);
  expect(values).toEqual([
    ['_bucket', '0.5', 1],
    ['_bucket', '1', 3],
    ['_bucket', '+Inf', 4],
    ['_sum', undefined, 9.25],
    ['_count', undefined, 4],
  ]);
});

test('families without labels are there before anything happened', () => {
  const families = parsePrometheusText(createMetrics().render(nothingRead));
  const commits = families.find(({ name }) => name === 'pharos_store_commit_items');
  expect(commits?.samples.every(({ value }) => value === 0)).toBe(true);
  expect(commits?.samples.length).toBeGreaterThan(0);
});

test('what clients send makes no new series', () => {
  const metrics = createMetrics();
  const answered = { route: null, status: 404, durationMs: 1 };
  for (const method of ['GET', 'PROPFIND', 'M-SEARCH']) metrics.requestAnswered({ method, ...answered });
  const families = parsePrometheusText(metrics.render(nothingRead));
  const requests = families.find(({ name }) => name === 'pharos_http_requests_total');
  expect(requests?.samples.map(({ labels, value }) => [labels['method'], labels['route'], value])).toEqual([
    ['GET', 'none', 1],
    ['other', 'none', 2],
  ]);
});

test.each([
  ['no line feed at the end', '# HELP a b\n# TYPE a gauge\na 1'],
  ['a sample of another family', '# HELP a b\n# TYPE a gauge\nb 1\n'],
  ['a sample twice', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
  ['a family twice', '# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\n'],
  ['a bad escape', '# HELP a b\n# TYPE a gauge\na{x="\\d"} 1\n'],
  ['a value that is none', '# HELP a b\n# TYPE a gauge\na one\n'],
  ['a histogram without +Inf', '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  [
    'buckets that fall',
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
])('the parser of these tests refuses %s', (_, text) => {
  expect(() => parsePrometheusText(text)).toThrow(/must end|is in the family|comes twice|bad |is not whole/);
});
