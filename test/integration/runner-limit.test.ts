import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock as clock } from '@assay/lib/clock';
import type { ServerRecord } from '@assay/lib/domain';
import { createMetrics } from '@assay/lib/metrics';
import { openaiEndpoints } from '../../services/runner/adapters/openai-endpoint.ts';
import { LaneAsking } from '../../services/runner/generate/asking.ts';
import { Lane } from '../../services/runner/generate/lane.ts';
import { runnerMetrics } from '../../services/runner/metrics.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { log } from './bus-fixture.ts';

const TAKES = 64;
const CEILING = 256;
const DELAY_MS = 400;

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer({ behaviour: { limit: TAKES, delayMs: DELAY_MS }, ownProcess: true });
});
afterAll(() => model.stop());

it('finds what a server takes within ten seconds, and then hardly ever asks for more', async () => {
  const seen: { readonly atMs: number; readonly status: number }[] = [];
  const metrics = runnerMetrics(createMetrics('runner'));
  const from = performance.now();
  const connect = openaiEndpoints({
    key: () => Promise.reject(new Error('no server has a key')),
    mostBytes: 1_000_000,
    now: () => clock.monotonic(),
    onStatus: (status) => void seen.push({ atMs: performance.now() - from, status }),
  });
  const key = 'limited';
  const room = () => true;
  const lane = new Lane({ key, connect, clock, log, outageMs: 60_000, metrics, timeoutMs: 60_000, room });
  const tending = setInterval(() => void lane.tend(ready(key, model.url)), 100);
  const stop = new AbortController();
  const asking = Array.from({ length: 600 }, (_, i) => askUntil(stop.signal, lane, metrics, i));
  await clock.sleep(16_000);
  stop.abort();
  clearInterval(tending);
  lane.giveUp();
  await Promise.all(asking);
  await lane.close();

  const late = seen.filter(({ atMs }) => atMs >= 10_000 && atMs < 16_000);
  const answered = late.filter(({ status }) => status === 200).length;
  const refused = late.filter(({ status }) => status === 429).length;
  expect(answered / 6).toBeGreaterThan(0.9 * (TAKES / DELAY_MS) * 1_000);
  expect(refused / late.length).toBeLessThan(0.02);
  expect(seen.some(({ status }) => status === 429)).toBe(true);
});

async function askUntil(
  stop: AbortSignal,
  lane: Lane,
  metrics: ReturnType<typeof runnerMetrics>,
  i: number,
): Promise<void> {
  const asker = { job: 'j', most: 0, signal: stop, cut: stop };
  const policy = { attempts: 5, patienceMs: 1_800_000 };
  for (let n = i; !stop.aborted; n += 1_000) {
    const asking = new LaneAsking({ lane, asker, policy, clock, random: Math.random, metrics });
    const ask = { until: ['\n'], maxTokens: 8, temperature: 0, seed: 1, extra: {} };
    await asking.ask((endpoint, control) => endpoint.complete(`Q: ${n} + 1?\nA:`, ask, control));
  }
}

function ready(key: string, baseUrl: string): ServerRecord {
  return {
    v: 1,
    key,
    kind: 'external',
    baseUrl,
    model: 'scripted',
    state: 'ready',
    reason: 'ready',
    ceiling: CEILING,
    contextLength: 0,
    epoch: 1,
    updatedAt: new Date(0).toISOString(),
  };
}
