import { describe, expect, it } from 'vitest';
import { createMetrics } from './index.ts';

const help = 'What it is.';

describe('createMetrics', () => {
  it('writes what was counted, with the prefix of the service', async () => {
    const metrics = createMetrics('test');
    const seen = metrics.counter({ name: 'seen_total', help, labels: ['kind'] });
    seen.inc({ kind: 'a' }, 2);
    seen.inc({ kind: 'a' });
    metrics.counter({ name: 'never_total', help });
    const level = metrics.gauge({ name: 'level', help, labels: ['at'] });
    level.set({ at: 'x"\n' }, 7);
    level.set({ at: 'gone' }, 7);
    level.remove({ at: 'gone' });
    metrics.histogram({ name: 'wait_seconds', help, buckets: [1, 2] }).observe(1.5);
    const text = await metrics.text();
    expect(text).toContain('assay_test_seen_total{kind="a"} 3');
    expect(text).toContain('assay_test_never_total 0');
    expect(text).toContain('assay_test_level{at="x\\"\\n"} 7');
    expect(text).not.toContain('gone');
    expect(text).toContain('assay_test_wait_seconds_bucket{le="2"} 1');
    expect(text).toContain('assay_test_process_resident_memory_bytes');
  });

  it('keeps _total for counters, among the metrics of the process too', async () => {
    const text = await createMetrics('test').text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
      name,
      type,
    }));
    expect(types.length).toBeGreaterThan(20);
    expect(types.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
    expect([...text.matchAll(/^# HELP \S+ \S/gm)]).toHaveLength(types.length);
  });

  it.each([
    ['counter', 'seen', /_total/],
    ['gauge', 'seen_total', /_total/],
    ['gauge', 'wait_ms', /base unit/],
    ['gauge', 'size_mib', /base unit/],
    ['gauge', 'waitSeconds', /snake_case/],
    ['gauge', 'scores_count', /suffix/],
  ] as const)('refuses a %s with the name %s', (type, name, message) => {
    const metrics = createMetrics('test');
    expect(() =>
      type === 'counter' ? metrics.counter({ name, help }) : metrics.gauge({ name, help }),
    ).toThrow(message);
  });

  it('refuses a metric without help', () => {
    expect(() => createMetrics('test').gauge({ name: 'level', help: ' ' })).toThrow('help');
  });
});
