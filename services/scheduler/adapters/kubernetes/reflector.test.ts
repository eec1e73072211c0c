import { setImmediate as turn } from 'node:timers/promises';
import { manualClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { createMetrics } from '@assay/lib/metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { kubeMetrics } from '../../metrics.ts';
import {
  ClusterFault,
  type KubeClient,
  type KubeObject,
  type Page,
  PODS,
  type WatchEvent,
} from '@assay/lib/kube';
import { reflect } from './reflector.ts';
import { versionOf } from './trimmed.ts';

const log = createLog({ service: 'test', level: 'silent' });
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const pod = (name: string, resourceVersion = '1'): KubeObject => ({
  metadata: { name, namespace: 'ns', uid: name, resourceVersion },
});
const page = (items: KubeObject[], resourceVersion = '10', next = ''): Page => ({
  items,
  resourceVersion,
  continue: next,
});
const fault = (kind: ClusterFault['kind'], status = 0) =>
  new ClusterFault('CLUSTER_UNAVAILABLE', 'no', { kind, status });

/** Answers each list and each watch by the next script; the last one for ever. */
function subject(scripts: {
  readonly lists: (Page | Error)[];
  readonly watches: ((signal: AbortSignal) => AsyncGenerator<WatchEvent>)[];
}) {
  const clock = manualClock();
  const metrics = createMetrics('test');
  const asked: { readonly what: string; readonly at: number; readonly from: string }[] = [];
  const next = <T>(all: T[]): T => (all.length > 1 ? all.shift() : all[0]) as T;
  const client: Pick<KubeClient, 'list' | 'watch'> = {
    async list(_, query) {
      asked.push({ what: 'list', at: clock.now(), from: query.continue ?? '' });
      const answer = next(scripts.lists);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    watch(_, query, call) {
      asked.push({ what: 'watch', at: clock.now(), from: query.resourceVersion });
      expect(query.timeoutSeconds).toBeGreaterThanOrEqual(240);
      expect(query.timeoutSeconds).toBeLessThanOrEqual(420);
      return next(scripts.watches)(call.signal ?? new AbortController().signal);
    },
  };
  const stop = new AbortController();
  stops.push(stop);
  const trim = ({ metadata }: KubeObject) => versionOf(metadata);
  const own = kubeMetrics(metrics);
  const reflector = reflect(
    { client, resource: PODS, trim, metrics: own, clock, log, random: () => 1 },
    stop.signal,
  );
  const told: string[] = [];
  reflector.onChange((key) => told.push(key));
  return { clock, metrics, asked, reflector, told, stop };
}

async function* quietly(signal: AbortSignal): AsyncGenerator<WatchEvent> {
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
  yield* [];
}
const ends = (error?: Error) =>
  async function* (): AsyncGenerator<WatchEvent> {
    await turn();
    yield* [];
    if (error !== undefined) throw error;
  };
const gives = (...events: WatchEvent[]) =>
  async function* (signal: AbortSignal): AsyncGenerator<WatchEvent> {
    yield* events;
    yield* quietly(signal);
  };
const settled = async () => {
  for (let n = 0; n < 10; n += 1) await turn();
};

describe('reflect', () => {
  it('is synced after the last page, and tells each object once', async () => {
    const { reflector, told, asked } = subject({
      lists: [page([pod('a'), pod('b')], '10', 'more'), page([pod('c')], '11')],
      watches: [quietly],
    });
    expect(reflector.isSynced()).toBe(false);
    await reflector.synced;
    expect([...reflector.keys()]).toEqual(['ns/a', 'ns/b', 'ns/c']);
    expect(told).toEqual(['ns/a', 'ns/b', 'ns/c']);
    await settled();
    expect(asked.map(({ what, from }) => `${what} ${from}`)).toEqual(['list ', 'list more', 'watch 11']);
  });

  it('follows what comes, changes and goes, and resumes from the last bookmark', async () => {
    const { reflector, told, asked, clock } = subject({
      lists: [page([pod('a')])],
      watches: [
        async function* () {
          yield { type: 'ADDED', object: pod('b', '12') };
          yield { type: 'MODIFIED', object: pod('b', '13') };
          yield { type: 'DELETED', object: pod('a', '14') };
          yield { type: 'BOOKMARK', object: pod('', '20') };
        },
        quietly,
      ],
    });
    await reflector.synced;
    await settled();
    expect([...reflector.keys()]).toEqual(['ns/b']);
    expect(told).toEqual(['ns/a', 'ns/b', 'ns/b', 'ns/a']);
    await clock.advance(1_000);
    expect(asked.at(-1)).toMatchObject({ what: 'watch', from: '20' });
  });

  it('lists again after 410, and drops what the list no longer has', async () => {
    const { reflector, told, asked, clock } = subject({
      lists: [page([pod('a'), pod('b')]), page([pod('b')], '30')],
      watches: [ends(fault('event', 410)), quietly],
    });
    await reflector.synced;
    await settled();
    await clock.advance(1_000);
    await settled();
    expect([...reflector.keys()]).toEqual(['ns/b']);
    expect(told).toEqual(['ns/a', 'ns/b', 'ns/a']);
    expect(asked.at(-1)).toMatchObject({ what: 'watch', from: '30' });
  });

  it.each([
    ['closes at once', ends(), 'closed', 1],
    ['answers 410', ends(fault('status', 410)), 'expired', 8],
    ['yields ERROR 410', ends(fault('event', 410)), 'expired', 8],
    ['yields ERROR 500', ends(fault('event', 500)), 'error_event', 8],
    ['answers 500', ends(fault('status', 500)), 'http_500', 1],
    ['answers 503', ends(fault('status', 503)), 'http_503', 1],
    ['sends broken JSON', ends(fault('body')), 'bad_json', 1],
    ['goes silent', ends(fault('deadline')), 'silent', 1],
    ['is reset', ends(fault('network')), 'reset', 1],
    ['makes the trimming fail', ends(new TypeError('x')), 'fault', 8],
  ])('waits ever longer when each watch %s', async (_, watch, reason, lists) => {
    const { reflector, asked, clock, metrics } = subject({ lists: [page([pod('a')])], watches: [watch] });
    await reflector.synced;
    for (let n = 0; n < 120; n += 1) {
      await settled();
      await clock.advance(500);
    }
    const watched = asked.filter(({ what }) => what === 'watch').map(({ at }) => at);
    expect(watched).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    expect(asked.filter(({ what }) => what === 'list')).toHaveLength(lists === 1 ? 1 : watched.length);
    expect(await metrics.text()).toContain(
      `assay_test_kube_watch_restarts_total{resource="pods",reason="${reason}"} 7`,
    );
    expect(reflector.size).toBe(1);
  });

  it('waits ever longer when the list fails, and is synced once it does not', async () => {
    const { reflector, asked, clock } = subject({
      lists: [fault('status', 503), fault('network'), page([pod('a')])],
      watches: [quietly],
    });
    await settled();
    await clock.advance(1_400);
    expect(reflector.isSynced()).toBe(false);
    await clock.advance(100);
    await reflector.synced;
    expect(asked.slice(0, 3).map(({ at }) => at)).toEqual([0, 500, 1_500]);
  });

  it('forgets failures after a watch that lasted', async () => {
    const clockOf = { advance: async (_ms: number) => undefined as void };
    const lasting = async function* (): AsyncGenerator<WatchEvent> {
      await clockOf.advance(60_000);
      yield* [];
    };
    const { reflector, asked, clock } = subject({
      lists: [page([])],
      watches: [ends(), ends(), ends(), lasting, quietly],
    });
    clockOf.advance = (ms) => clock.advance(ms);
    await reflector.synced;
    for (let n = 0; n < 20; n += 1) {
      await settled();
      await clock.advance(500);
    }
    expect(asked.filter(({ what }) => what === 'watch').map(({ at }) => at)).toEqual([
      0, 500, 1_500, 3_500, 64_000,
    ]);
  });

  it('goes on when a listener throws, now or later', async () => {
    const { reflector, told, metrics } = subject({
      lists: [page([])],
      watches: [gives({ type: 'ADDED', object: pod('a', '11') }, { type: 'ADDED', object: pod('b', '12') })],
    });
    const rejects = (): unknown => Promise.reject(new Error('later'));
    reflector.onChange(() => {
      throw new Error('now');
    });
    reflector.onChange(rejects);
    await reflector.synced;
    await settled();
    expect(told).toEqual(['ns/a', 'ns/b']);
    expect(await metrics.text()).toContain('assay_test_kube_handler_errors_total{resource="pods"} 4');
  });

  it('ends when it is stopped', async () => {
    const { reflector, stop } = subject({ lists: [page([])], watches: [quietly] });
    await reflector.synced;
    await settled();
    stop.abort();
    await reflector.done;
  });
});
