import type { Answer, Api } from './http.js';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its samples; for a histogram the buckets, the sum and the count. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
// Numbers as Go's ParseFloat reads them, which ignores the case of NaN: prom-client writes `Nan`.
const VALUE = '-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|[+-]Inf|Na[nN]';
const HELP = new RegExp(`^# HELP (${NAME}) (\\S.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (${VALUE})$`);

/**
 * One scrape, parsed strictly by the text format (version 0.0.4): the lines of a family are contiguous, its
 * help and type come once and before its samples, no series appears twice, and buckets are cumulative.
 */
export class Exposition {
  readonly families = new Map<string, Family>();

  /** @throws at the first line that violates the format */
  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('the last line is not terminated');
    let current: Family | undefined;
    let help: [name: string, text: string] | undefined;
    const seen = new Set<string>();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const [, helped, words = ''] = HELP.exec(line) ?? [];
      if (helped !== undefined) {
        help = [helped, words];
        continue;
      }
      const [, typed, type = ''] = TYPE.exec(line) ?? [];
      if (typed !== undefined) {
        if (help?.[0] !== typed) throw new Error(`samples before their help and type: ${line}`);
        if (this.families.has(typed)) throw new Error(`a second time: ${line}`);
        current = { name: typed, help: help[1], type, samples: [] };
        this.families.set(typed, current);
        continue;
      }
      const sample = sampleOf(line);
      if (!current || !belongs(sample, current)) throw new Error(`a sample outside its family: ${line}`);
      const series = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(series)) throw new Error(`a second time: ${line}`);
      seen.add(series);
      current.samples.push(sample);
    }
    for (const family of this.families.values()) check(family);
  }

  static async of(api: Api, headers: Record<string, string> = {}): Promise<Exposition> {
    const answer: Answer = await api.send('GET', '/metrics', { headers });
    if (answer.status !== 200) throw new Error(`no scrape: ${answer.status} ${answer.text}`);
    return new Exposition(answer.text);
  }

  /** Every sample of that name that has at least these labels. */
  samples(name: string, labels: Record<string, string> = {}): Sample[] {
    return [...this.families.values()]
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  }

  /** The sum of those samples. @throws if there is none */
  value(name: string, labels: Record<string, string> = {}): number {
    const samples = this.samples(name, labels);
    if (samples.length === 0) throw new Error(`no ${name} ${JSON.stringify(labels)}`);
    return samples.reduce((sum, { value }) => sum + value, 0);
  }

  get size(): number {
    return [...this.families.values()].reduce((sum, { samples }) => sum + samples.length, 0);
  }
}

function sampleOf(line: string): Sample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const pairs = [...labels.matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', text = '']) =>
      [label, text.replace(/\\(.)/g, (_, each) => (each === 'n' ? '\n' : each))] as const,
  );
  const entries = Object.fromEntries(pairs);
  if (Object.keys(entries).length < pairs.length) throw new Error(`a label twice: ${line}`);
  return { name, labels: entries, value: Number(value.replace('Inf', 'Infinity')) };
}

function belongs({ name }: Sample, family: Family): boolean {
  if (family.type === 'histogram')
    return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix);
  return name === family.name;
}

function check({ name, type, samples }: Family): void {
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name} is a ${type}`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below 0`);
  if (type !== 'histogram') return;
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((bucket) => Number(bucket.labels['le']?.replace('Inf', 'Infinity')));
    const [sum, count] = ['_sum', '_count'].map((suffix) =>
      group.find((each) => each.name === name + suffix),
    );
    const grows = (values: number[]) =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
    if (!sum || !count || bounds.at(-1) !== Infinity || !grows(bounds)) throw new Error(`${name} ${labels}`);
    if (!grows(buckets.map(({ value }) => value)) || buckets.at(-1)?.value !== count.value)
      throw new Error(`the buckets of ${name} ${labels} are not cumulative`);
  }
}
