/** One family of a scrape, as strict as Prometheus' own parser is. */
export interface ScrapedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ScrapedSample[];
}

export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/;
const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads Prometheus' text format 0.0.4. Throws when anything is not as
 * https://prometheus.io/docs/instrumenting/exposition_formats/ has it: HELP and TYPE once and before the samples, families in
 * one piece, no sample twice, buckets that rise to `+Inf` and equal `_count`.
 */
export function parsePrometheusText(text: string): readonly ScrapedFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed');
  const families: { name: string; type: string; help: string; samples: ScrapedSample[] }[] = [];
  const lines = text.slice(0, -1).split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const help = /^# HELP (\S+) (.*)$/.exec(line);
    if (help) {
      const [, name = '', words = ''] = help;
      const type = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(lines[++index] ?? '')?.[1];
      if (!metricName.test(name) || !type) throw new Error(`bad head of a family: ${line}`);
      if (families.some((family) => family.name === name)) throw new Error(`${name} comes twice`);
      families.push({ name, type, help: words, samples: [] });
      continue;
    }
    const family = families.at(-1);
    if (!family) throw new Error(`a sample before its family: ${line}`);
    const sample = parseSample(line);
    const names = suffixes[family.type]?.map((suffix) => family.name + suffix) ?? [family.name];
    if (!names.includes(sample.name)) throw new Error(`${sample.name} is in the family ${family.name}`);
    const key = JSON.stringify([sample.name, sample.labels]);
    if (family.samples.some((other) => JSON.stringify([other.name, other.labels]) === key)) {
      throw new Error(`${key} comes twice`);
    }
    family.samples.push(sample);
  }
  for (const family of families) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function parseSample(line: string): ScrapedSample {
  const [, name = '', inner, value = ''] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (!metricName.test(name)) throw new Error(`bad sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = inner ?? ''; rest !== '';) {
    const [pair, label = '', escaped = ''] = labelPair.exec(rest) ?? [];
    if (pair === undefined || label in labels) throw new Error(`bad labels: ${line}`);
    labels[label] = escaped.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
    rest = rest.slice(pair.length);
  }
  const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
  if (Number.isNaN(number) && value !== 'NaN') throw new Error(`bad value: ${line}`);
  return { name, labels, value: number };
}

function checkHistogram({ name, samples }: ScrapedFamily): void {
  const series = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: null }));
  for (const [labels, ofSeries] of series) {
    const buckets = ofSeries.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => (sample.labels['le'] === '+Inf' ? Infinity : Number(sample.labels['le'])));
    const rises = (values: readonly number[], strictly: boolean) =>
      values.every((value, at) => at === 0 || value > (values[at - 1] as number) - (strictly ? 0 : 1));
    const count = ofSeries.find((sample) => sample.name === `${name}_count`)?.value;
    const hasSum = ofSeries.some((sample) => sample.name === `${name}_sum`);
    const counts = buckets.map((sample) => sample.value);
    if (
      bounds.at(-1) !== Infinity ||
      !rises(bounds, true) ||
      !rises(counts, false) ||
      counts.at(-1) !== count ||
      !hasSum
    ) {
      throw new Error(`the histogram ${name} ${labels} is not whole`);
    }
  }
}
