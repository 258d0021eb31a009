import { describe, expect, it } from '@jest/globals';
import { Exposition } from '../../../../test/support/exposition.js';

const GAUGE = '# HELP a_b Help.\n# TYPE a_b gauge\n';
const HISTOGRAM = '# HELP h_seconds Help.\n# TYPE h_seconds histogram\n';

/** Other tests of metrics rely on this parser. */
describe(Exposition, () => {
  it('reads a scrape', () => {
    const scrape = new Exposition(
      `${GAUGE}a_b{x="1",y="a\\"b,c=\\\\"} 2\na_b{x="2"} +Inf\n\n${HISTOGRAM}h_seconds_bucket{le="0.1"} 1\n` +
        'h_seconds_bucket{le="+Inf"} 3\nh_seconds_sum 1.5e-3\nh_seconds_count 3\n',
    );
    expect(scrape.samples('a_b', { x: '1' })).toEqual([
      { name: 'a_b', labels: { x: '1', y: 'a"b,c=\\' }, value: 2 },
    ]);
    expect(scrape.value('a_b', { x: '2' })).toBe(Infinity);
    expect(scrape.value('h_seconds_sum')).toBe(0.0015);
    expect(scrape.size).toBe(6);
  });

  it.each([
    ['a line without an end', `${GAUGE}a_b 1`],
    ['a sample without a type', 'a_b 1\n'],
    ['a type without help', '# TYPE a_b gauge\na_b 1\n'],
    ['a family twice', `${GAUGE}a_b 1\n${GAUGE}`],
    ['a series twice', `${GAUGE}a_b{x="1",y="2"} 1\na_b{y="2",x="1"} 1\n`],
    ['a label twice', `${GAUGE}a_b{x="1",x="2"} 1\n`],
    ['a name with a dot', `${GAUGE}a.b 1\n`],
    ['a quote that is not escaped', `${GAUGE}a_b{x="1"2"} 1\n`],
    ['a value that is not a number', `${GAUGE}a_b one\n`],
    ['a counter without _total', '# HELP a_b Help.\n# TYPE a_b counter\na_b 1\n'],
    ['a counter below 0', '# HELP a_total Help.\n# TYPE a_total counter\na_total -1\n'],
    [
      'buckets that shrink',
      `${HISTOGRAM}h_seconds_bucket{le="1"} 2\nh_seconds_bucket{le="+Inf"} 1\nh_seconds_sum 1\nh_seconds_count 1\n`,
    ],
    ['buckets without +Inf', `${HISTOGRAM}h_seconds_bucket{le="1"} 1\nh_seconds_sum 1\nh_seconds_count 1\n`],
    [
      'a count that does not match',
      `${HISTOGRAM}h_seconds_bucket{le="+Inf"} 1\nh_seconds_sum 1\nh_seconds_count 2\n`,
    ],
    ['a histogram without its sum', `${HISTOGRAM}h_seconds_bucket{le="+Inf"} 1\nh_seconds_count 1\n`],
  ])('refuses %s', (_, text) => {
    expect(() => new Exposition(text)).toThrow();
  });
});
