import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOBS, LEADER, SERVERS, type Bus, type Kv } from '@assay/lib/bus';
import { systemClock } from '@assay/lib/clock';
import { loop } from '@assay/lib/loop';
import { kvJobs } from '../../services/scheduler/adapters/jobs-kv.ts';
import { election } from '../../services/scheduler/adapters/leader.ts';
import { mirror } from '../../services/scheduler/adapters/mirror.ts';
import { lead } from '../../services/scheduler/lead.ts';
import type { Jobs } from '../../services/scheduler/ports.ts';
import { advance } from '../../services/scheduler/run/context.ts';
import { JOB, jobRecord, serverView } from '../../services/scheduler/testing/builders.ts';
import { kvServers } from '../../services/scheduler/adapters/servers-kv.ts';
import { cycleWorld } from '../../services/scheduler/testing/cycle-ports.ts';
import { runPorts } from '../../services/scheduler/testing/run-ports.ts';
import { startNats, type NatsServer } from '../support/nats.ts';
import { connectTo, log, openBus } from './bus-fixture.ts';

const TAKEN_OVER_MS = 20_000;

let server: NatsServer;
let schedulers: Scheduler[] = [];
beforeEach(async () => {
  server = await startNats();
  await (await openBus(server)).close();
});
afterEach(async () => {
  await Promise.all(schedulers.map((scheduler) => scheduler.end()));
  schedulers = [];
  await server.stop();
});

/** The election and the leading of one scheduler, over a connection of its own. */
interface Scheduler {
  readonly jobs: Jobs;
  leads(): boolean;
  /** Epochs under which it has led so far. */
  readonly epochs: number[];
  /** When it stopped to lead, by the clock of this process. */
  readonly lostAtMs: number[];
  readonly ledAtMs: number[];
  /** What it does when it is told to stop. */
  stop(): Promise<void>;
  /** From now on nothing that it says of the lead reaches the broker, and no answer comes. */
  cutOff(): void;
  end(): Promise<void>;
}

async function startScheduler(holder: string): Promise<Scheduler> {
  const bus = await connectTo(server);
  const over = new AbortController();
  const view = mirror(bus.kv(JOBS), over.signal);
  await view.current;
  const jobs = kvJobs(bus.kv(JOBS), view);
  let cut = false;
  const electing = withLead(bus, () => cut);
  const epochs: number[] = [];
  const [ledAtMs, lostAtMs]: [number[], number[]] = [[], []];
  const elected = election({
    bus: electing,
    holder,
    clock: systemClock,
    log,
    async lead({ epoch, lost }) {
      epochs.push(epoch);
      ledAtMs.push(performance.now());
      lost.addEventListener('abort', () => lostAtMs.push(performance.now()), { once: true });
      await leading(bus, jobs, epoch, AbortSignal.any([over.signal, lost]));
    },
  });
  const electingLoop = loop({ name: holder, step: elected.step, log }, over.signal);
  const scheduler: Scheduler = {
    jobs,
    leads: () => elected.leads(),
    epochs,
    ledAtMs,
    lostAtMs,
    async stop() {
      over.abort();
      await electingLoop;
    },
    cutOff: () => void (cut = true),
    async end() {
      over.abort();
      if (!cut) await electingLoop;
      await view.done;
      await bus.close();
    },
  };
  schedulers.push(scheduler);
  return scheduler;
}

function withLead(bus: Bus, cut: () => boolean): Bus {
  const silent = new Promise<never>(() => undefined);
  const reached = <T>(answer: () => Promise<T>): Promise<T> => (cut() ? silent : answer());
  return {
    ...bus,
    kv<T>(bucket: Parameters<typeof bus.kv<T>>[0]): Kv<T> {
      const kv = bus.kv(bucket);
      return {
        ...kv,
        get: (key) => reached(() => kv.get(key)),
        create: (key, value) => reached(() => kv.create(key, value)),
        update: (key, value, revision) => reached(() => kv.update(key, value, revision)),
        delete: (key, revision) => reached(() => kv.delete(key, revision)),
      };
    },
  };
}

/** Leads in earnest, in a world in which no server becomes ready: a job comes to STARTING and stays there. */
async function leading(bus: Bus, jobs: Jobs, epoch: number, stop: AbortSignal): Promise<void> {
  const clock = systemClock;
  const view = () => serverView({ phase: 'starting' });
  const run = runPorts({ bus, jobs, clock, epoch, view });
  const { ports: cycle } = await cycleWorld({
    jobs,
    clock,
    epoch,
    servers: kvServers(bus.kv(SERVERS), epoch),
  });
  const secrets = { put: async () => undefined, delete: async () => undefined, list: async () => [] };
  const sweep = { ...run, secrets, retentionMs: 86_400_000, lateMs: 60_000 };
  await lead({ run, cycle, sweep, jobs, clock, log, epoch }, stop);
}

const epochOf = (scheduler: Scheduler) => scheduler.epochs.at(-1) ?? 0;

async function two(): Promise<{ readonly leader: Scheduler; readonly other: Scheduler }> {
  const [a, b] = await Promise.all([startScheduler('a'), startScheduler('b')]);
  await expect.poll(() => a.leads() || b.leads(), { timeout: 5_000 }).toBe(true);
  return a.leads() ? { leader: a, other: b } : { leader: b, other: a };
}

describe('two schedulers', () => {
  it('are led by one, for longer than its key would live unrenewed', async () => {
    const { leader, other } = await two();
    await systemClock.sleep((LEADER.ttlMs ?? 0) + 3_000);
    expect([leader.leads(), other.leads()]).toEqual([true, false]);
    expect([leader.epochs.length, other.epochs.length]).toEqual([1, 0]);
  });

  it('hand the lead over at once when the leader is told to stop', async () => {
    const { leader, other } = await two();
    const begun = performance.now();
    await leader.stop();
    await expect.poll(() => other.leads(), { timeout: TAKEN_OVER_MS }).toBe(true);
    expect(performance.now() - begun).toBeLessThan(LEADER.ttlMs ?? 0);
    expect(epochOf(other)).toBeGreaterThan(epochOf(leader));
  });

  it('never lead both: one that hears nothing stops before the other begins', async () => {
    const { leader, other } = await two();
    leader.cutOff();
    await expect.poll(() => other.leads(), { timeout: TAKEN_OVER_MS, interval: 20 }).toBe(true);
    expect(leader.lostAtMs[0]).toBeLessThan(other.ledAtMs[0] ?? 0);
    expect(epochOf(other)).toBeGreaterThan(epochOf(leader));
  });
});

describe('a job', () => {
  it('is claimed by the new leader, and no write of the old one is taken any more', async () => {
    const { leader, other } = await two();
    const target = { type: 'catalog', model: 'm', device: 'cpu' } as const;
    const { spec } = jobRecord();
    await leader.jobs.create(jobRecord({ state: 'QUEUED', spec: { ...spec, target } }));
    const stateOf = (scheduler: Scheduler) => scheduler.jobs.get(JOB)?.state;
    await expect.poll(() => stateOf(leader), { timeout: 5_000 }).toBe('STARTING');
    expect(leader.jobs.get(JOB)?.epoch).toBe(epochOf(leader));

    leader.cutOff();
    await expect.poll(() => other.leads(), { timeout: TAKEN_OVER_MS }).toBe(true);
    await expect.poll(() => other.jobs.get(JOB)?.epoch, { timeout: 5_000 }).toBe(epochOf(other));
    const before = other.jobs.get(JOB);
    expect(before?.epoch).toBeGreaterThan(epochOf(leader));

    const old = runPorts({ jobs: leader.jobs, epoch: epochOf(leader) });
    const job = jobRecord({ state: 'STARTING' });
    for (const to of ['RUNNING', 'FAILED', 'CANCELLED'] as const)
      await expect(advance(old, job, { to, reason: 'LATE', detail: '' })).rejects.toMatchObject({
        reason: 'NOT_LEADER',
        permanent: false,
      });
    expect(await other.jobs.edit(JOB, () => null)).toEqual(before);

    const now = runPorts({ jobs: other.jobs, epoch: epochOf(other) });
    await advance(now, job, { to: 'FAILED', reason: 'TEST', detail: '' });
    await expect.poll(() => stateOf(leader)).toBe('FAILED');
  });
});
