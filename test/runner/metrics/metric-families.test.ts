import { describe, expect, it } from 'vitest';
import { counter, gaugeText, histogram } from '../../../src/runner/metrics/metric-families.ts';

describe('metrics in the text format', () => {
  it('counts, also what has not happened yet', () => {
    const jobs = counter('jobs_total', 'Jobs.');
    expect(jobs.text()).toBe('');
    jobs.add({ b: '1', a: 'x' }, 0);
    jobs.add({ a: 'x', b: '1' });
    jobs.add({ a: 'x', b: '1' }, 2);
    expect(jobs.text()).toBe('# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a="x",b="1"} 3\n');
  });

  it('sums buckets up, and takes a value on a bound into its bucket', () => {
    const times = histogram('t_seconds', 'Times.', [0.1, 1, 10]);
    for (const value of [0.05, 0.1, 1, 5, 50]) times.observe({ who: 'me' }, value);
    times.observe({ who: 'me' }, Number.NaN);
    expect(times.text().split('\n').slice(1, -1)).toEqual([
      '# TYPE t_seconds histogram',
      't_seconds_bucket{who="me",le="0.1"} 2',
      't_seconds_bucket{who="me",le="1"} 3',
      't_seconds_bucket{who="me",le="10"} 4',
      't_seconds_bucket{who="me",le="+Inf"} 5',
      't_seconds_sum{who="me"} 56.15',
      't_seconds_count{who="me"} 5',
    ]);
    const plain = histogram('p', 'P.', [1]);
    plain.observe({}, 2);
    expect(plain.text()).toContain('p_bucket{le="1"} 0\np_bucket{le="+Inf"} 1\np_sum 2\np_count 1\n');
  });

  it('lets no label break out of its quotes', () => {
    const text = gaugeText('g', 'A\nB\\', [{ labels: { name: 'a"b\\c\nd' }, value: 1.5 }]);
    expect(text).toBe('# HELP g A\\nB\\\\\n# TYPE g gauge\ng{name="a\\"b\\\\c\\nd"} 1.5\n');
  });

  it('does not grow without end with labels that come from elsewhere', () => {
    const many = counter('c', 'C.');
    const spread = histogram('h', 'H.', []);
    for (let at = 0; at < 5000; at += 1) {
      many.add({ at: String(at) });
      spread.observe({ at: String(at) }, 1);
    }
    many.add({ at: '0' });
    expect(many.text().split('\n').length).toBe(2000 + 3);
    expect(many.text()).toContain('c{at="0"} 2\n');
    expect(spread.text().match(/h_count/g)?.length).toBe(2000);
  });
});
