import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOBS, type Bus } from '@assay/lib/bus';
import { systemClock } from '@assay/lib/clock';
import type { JobRecord } from '@assay/lib/domain';
import { kvJobs } from '../../services/scheduler/adapters/jobs-kv.ts';
import { election, type Leadership } from '../../services/scheduler/adapters/leader.ts';
import { mirror } from '../../services/scheduler/adapters/mirror.ts';
import { startNats, type NatsServer } from '../support/nats.ts';
import { log, openBus } from './bus-fixture.ts';

let server: NatsServer;
let bus: Bus;
beforeAll(async () => {
  server = await startNats();
  bus = await openBus(server);
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

interface Candidate {
  readonly led: Leadership[];
  readonly leads: () => boolean;
  readonly stop: () => Promise<void>;
}

function candidate(holder: string): Candidate {
  const stop = new AbortController();
  const led: Leadership[] = [];
  const elected = election({
    bus,
    holder,
    clock: systemClock,
    log,
    lead: async (leadership) => {
      led.push(leadership);
      await aborted(AbortSignal.any([leadership.lost, stop.signal]));
    },
  });
  const done = (async () => {
    while (!stop.signal.aborted) {
      const paceMs = await elected.step(stop.signal);
      await systemClock.sleep(paceMs, stop.signal).catch(() => undefined);
    }
  })();
  return {
    led,
    leads: () => elected.leads(),
    stop: async () => {
      stop.abort();
      await done;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function until(what: () => boolean, limitMs: number): Promise<number> {
  const from = performance.now();
  while (!what() && performance.now() - from < limitMs) await systemClock.sleep(20);
  expect(what()).toBe(true);
  return performance.now() - from;
}

describe('the election', () => {
  it('has one leader at a time; another follows at once after a clean end, with a higher epoch', async () => {
    const [a, b] = [candidate('a'), candidate('b')];
    await until(() => a.leads() || b.leads(), 5_000);
    expect([a.leads(), b.leads()].filter(Boolean)).toHaveLength(1);
    const [first, second] = a.leads() ? [a, b] : [b, a];
    await first.stop();
    expect(await until(() => second.leads(), 5_000)).toBeLessThan(3_000);
    expect(second.led[0]?.epoch).toBeGreaterThan(first.led[0]?.epoch ?? Infinity);
    await second.stop();
  });

  it('ends the leadership of one that cannot reach the broker before its key can be another’s', async () => {
    const leader = candidate('c');
    await until(() => leader.leads(), 10_000);
    const lost = aborted(leader.led[0]?.lost ?? AbortSignal.abort());
    await server.kill();
    const from = performance.now();
    await lost;
    const took = performance.now() - from;
    await server.restart();
    expect(took).toBeLessThan(5_000);
    await leader.stop();
  });
});

describe('a job', () => {
  it('that a later leader has claimed is not written by an earlier one', async () => {
    const stop = new AbortController();
    const view = mirror(bus.kv(JOBS), stop.signal);
    await view.current;
    const jobs = kvJobs(bus.kv(JOBS), view);
    await jobs.create(record(3));
    await jobs.edit('fencedfenced', (job) => ({ ...job, epoch: 7 }));
    const late = jobs.edit('fencedfenced', (job) => ({ ...job, detail: 'late', epoch: 3 }));
    await expect(late).rejects.toMatchObject({ reason: 'NOT_LEADER', permanent: false });
    expect((await bus.kv(JOBS).get('fencedfenced'))?.value).toMatchObject({ epoch: 7, detail: '' });
    stop.abort();
    await view.done;
  });
});

function record(epoch: number): JobRecord {
  const spec = {
    tenant: 't',
    requestId: 'r',
    target: { type: 'endpoint', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' },
    tasks: [],
    bundle: `sha256:${'0'.repeat(64)}`,
    seed: 1,
    contentHash: '',
    maxConcurrency: 0,
  } as const;
  return {
    v: 1,
    id: 'fencedfenced',
    partition: 'p0',
    spec,
    state: 'SUBMITTED',
    reason: 'ACCEPTED',
    detail: '',
    transitions: [],
    tasks: [],
    reservedBytes: 0,
    scoringEpoch: 0,
    epoch,
    createdAt: new Date(0).toISOString(),
    cancelRequested: false,
    purged: false,
    audits: 0,
  };
}
