import { describe, expect, it } from 'vitest';
import type { StartPhase } from '@assay/lib/domain';
import { createMetrics } from '@assay/lib/metrics';
import { startMetrics } from './start-metrics.ts';
import { serverView } from './testing/builders.ts';
import { pretendedCluster } from './testing/cycle-ports.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

function phase(
  name: StartPhase['phase'],
  from: number,
  to: number | null,
  over: Partial<StartPhase> = {},
): StartPhase {
  const endedAt = to === null ? null : at(to);
  return {
    phase: name,
    startedAt: at(from),
    endedAt,
    bytes: 0,
    totalBytes: 0,
    lastGrowth: null,
    detail: '',
    ...over,
  };
}

function world() {
  const metrics = createMetrics('scheduler');
  const look = startMetrics(metrics);
  const cluster = pretendedCluster();
  const read = async (name: string) =>
    Number(
      (await metrics.text())
        .split('\n')
        .find((line) => line.startsWith(`assay_scheduler_${name} `))
        ?.split(' ')[1],
    );
  return { look: () => look([cluster]), views: cluster.views, read };
}

describe('the metrics of a start', () => {
  it('say which phase a server is in, how much has come and when it last grew', async () => {
    const { look, views, read } = world();
    const start = [phase('schedule', 0, 1), phase('weights', 1, null, { bytes: 500, lastGrowth: at(9) })];
    views.set('s', serverView({ phase: 'starting', start }));
    look();
    expect(await read('model_servers_starting{phase="weights"}')).toBe(1);
    expect(await read('model_servers_starting{phase="schedule"}')).toBe(0);
    expect(await read('model_server_start_bytes{phase="weights"}')).toBe(500);
    const growth = await read('model_server_start_last_growth_timestamp_seconds{phase="weights"}');
    expect(growth).toBe(Date.parse(at(9)) / 1_000);
    expect(await read('model_server_start_seconds_count{phase="schedule"}')).toBeNaN();
  });

  it('count each start once, and the next of the same server again', async () => {
    const { look, views, read } = world();
    const ready = (from: number) =>
      serverView({ start: [phase('schedule', from, from + 2), phase('ready', from + 2, null)] });
    look();
    views.set('s', ready(0));
    look();
    look();
    expect(await read('model_server_start_seconds_count{phase="schedule"}')).toBe(1);
    expect(await read('model_server_start_seconds_sum{phase="schedule"}')).toBe(2);
    views.set('s', ready(20));
    look();
    expect(await read('model_server_start_seconds_count{phase="schedule"}')).toBe(2);
    expect(await read('model_servers_starting{phase="ready"}')).toBe(0);
  });

  it('do not count what a new leader finds ready', async () => {
    const { look, views, read } = world();
    views.set('s', serverView({ start: [phase('schedule', 0, 2), phase('ready', 2, null)] }));
    look();
    look();
    expect(await read('model_server_start_seconds_count{phase="schedule"}')).toBeNaN();
  });
});
