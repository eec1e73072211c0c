import { appendFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { identityOf, lives } from '@assay/cli/local/process-identity';
import { SERVICES } from '@assay/cli/local/services';
import { callStream } from '@assay/lib/rpc';
import { JobState } from '@assay/proto/assay/v1/job';
import { healthOf, reflected } from '../../lib/rpc/testing/probe.ts';
import { endpoint } from '../support/bad-input/refused.ts';
import { startWorld, type World } from '../support/bad-input/world.ts';
import { answer } from '../support/fault-answers.ts';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { promptKey, startModelServer, type ModelServer } from '../support/model-server.ts';
import { checkMetrics, findPromtool } from '../support/promtool.ts';

const REQUEST_MS = 5_000;
const GONE_MS = 10_000;
const AT_ONCE = 16;
const SEED = 1234;
const mixed = mixedTasks({ generate: 128, choices: 8, code: 8, repeated: 4 });

let world: World;
let server: ModelServer;
let job = '';
/** How often each prompt of the job was asked, by its text and seed; what the check asks is not among them. */
const asked = new Map<string, number>();

beforeAll(async () => {
  server = await startModelServer({
    behaviour: { delayMs: REQUEST_MS },
    script: (request) => {
      if (/^(generate|code|vote) \d+/.test(request.prompt)) {
        const key = `${request.prompt}|${String(request.seed)}`;
        asked.set(key, (asked.get(key) ?? 0) + 1);
      }
      return answer(request);
    },
  });
  world = await startWorld({});
  const tasks = mixed.tasks.map((name) => ({ name, genKwargsJson: '' }));
  job = await world.submit(mixed.files, {
    target: endpoint({ baseUrl: server.url }),
    tasks,
    maxConcurrency: AT_ONCE,
  });
  await vi.waitUntil(() => asked.size > AT_ONCE, { timeout: 60_000 });
}, 240_000);

afterAll(async () => {
  await world.stop();
  await server.stop();
});

describe('in the middle of a run', () => {
  it('is alive and ready, with metrics that promtool passes', async () => {
    const promtool = findPromtool();
    const file = process.env['ASSAY_NOT_RUN'];
    if (promtool === null && file !== undefined)
      await appendFile(
        file,
        'promtool check metrics: promtool is not there (Debian: apt install prometheus)\n',
      );
    for (const name of SERVICES) {
      const { ops } = await world.announced(name);
      expect(await (await fetch(`http://${ops}/livez`)).text()).toBe('alive\n');
      expect(await (await fetch(`http://${ops}/readyz`)).text()).toBe('ready\n');
      const metrics = await world.stack.metrics(name);
      expect(metrics).toMatch(new RegExp(`^# TYPE assay_${name}_\\w+ counter$`, 'm'));
      if (promtool !== null) expect(await checkMetrics(promtool, metrics), name).toBe('');
    }
  });

  it('lists its gRPC services and says that they serve', async () => {
    const served = {
      [world.scheduler]: ['assay.v1.CatalogService', 'assay.v1.JobService'],
      [world.reporter]: ['assay.v1.ResultService'],
      [world.sandbox]: ['assay.v1.SandboxService'],
    };
    for (const [address, names] of Object.entries(served)) {
      expect(await reflected(address, world.token)).toEqual(expect.arrayContaining(names));
      expect(await reflected(address, 'wrong')).toBe(16);
      for (const name of ['', ...names]) expect(await healthOf(address, name)).toBe('SERVING');
      expect(await healthOf(address, 'assay.v1.Nothing')).toBe(5);
    }
  });

  it('logs JSON lines that carry the job', async () => {
    for (const name of ['scheduler', 'runner'] as const) {
      const lines = (await world.stack.logs(name)).trimEnd().split('\n');
      const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      for (const entry of entries) expect(entry).toMatchObject({ service: name, time: expect.any(String) });
      expect(entries.filter((entry) => entry['job'] === job).length, name).toBeGreaterThan(0);
    }
  });
});

describe('SIGTERM under load', () => {
  async function terminated(name: (typeof SERVICES)[number]): Promise<number> {
    const pid = world.stack.supervisor.children.get(name)?.pid() ?? 0;
    const identity = await identityOf(pid);
    if (identity === null) throw new Error(`${name} does not run`);
    const startedMs = performance.now();
    process.kill(pid, 'SIGTERM');
    while (await lives(identity)) await new Promise((resolve) => setTimeout(resolve, 20));
    return performance.now() - startedMs;
  }

  it.each(SERVICES)(
    'the %s is gone in less than ten seconds and comes back',
    { timeout: 90_000 },
    async (name) => {
      const watching = watched();
      await expect
        .poll(async () => (await server.requests()).inFlight, { timeout: 30_000 })
        .toBeGreaterThan(4);
      expect(await terminated(name)).toBeLessThan(GONE_MS);
      await expect
        .poll(() => world.alive(name).then(() => 'ready', String), { timeout: 60_000 })
        .toBe('ready');
      await watching.end();
    },
  );

  it('the job succeeds, and nothing was asked twice', { timeout: 240_000 }, async () => {
    const { state, reason, detail } = await world.stack.finished(job, 200_000);
    expect({ state, reason }, detail).toEqual({ state: JobState.SUCCEEDED, reason: 'REPORTED' });
    expect(detail).toContain(`all ${mixed.scores} scores once`);
    expect([...asked].filter(([, times]) => times > 1)).toEqual([]);
    expect(asked.size).toBe(mixed.samples - 8);
    const { prompts } = await server.requests();
    const choices = Array.from({ length: 8 }, (_, i) =>
      ['red', 'green', 'blue'].map((word) => `choose ${i}: ${word}`),
    );
    expect(choices.flat().map((prompt) => prompts[promptKey(prompt, SEED)]?.asked)).toEqual(
      choices.flat().map(() => 1),
    );
    expect((await world.stack.result(job)).tasks.map((task) => task.coverage)).toEqual([1, 1, 1, 1]);
  });

  /** Someone who watches the job meanwhile, so that a stream is open when the service goes. */
  function watched() {
    const gone = new AbortController();
    const reading = (async () => {
      const stream = callStream(world.stack.jobs, 'watchJob', { jobId: job }, { signal: gone.signal });
      for await (const _ of stream);
    })().catch(() => undefined);
    return {
      async end() {
        gone.abort();
        await reading;
      },
    };
  }
});
