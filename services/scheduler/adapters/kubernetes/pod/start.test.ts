import { describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import type { ContainerState } from '../trim-pod.ts';
import {
  UNSCHEDULED,
  at,
  container,
  phases,
  pod,
  progress,
  running,
  seen,
  weights,
} from '../../../testing/start-seen.ts';
import { tell } from './start.ts';

describe('the phases of a start', () => {
  it('are told one after another', () => {
    expect(phases(seen({ pod: null, waits: 'no node' }))).toEqual(['schedule 0-']);
    expect(phases(seen({ pod: UNSCHEDULED }))).toEqual(['schedule 0-']);
    expect(phases(seen())).toEqual(['schedule 0-2', 'pull 2-']);
    expect(phases(seen({ pod: running }))).toEqual(['schedule 0-2', 'pull 2-5', 'compile 5-']);
    const warm = seen({ pod: running, warmAt: at(8), health: { answers: true, fault: null } });
    expect(phases(warm)).toEqual(['schedule 0-2', 'pull 2-5', 'compile 5-8', 'ready 8-8']);
    expect(tell(warm)).toMatchObject({ phase: 'ready', detail: 'ready', fault: null });
  });

  it('have the weights before the image, with their bytes', () => {
    const fetching = seen({ weights: weights({ progress: progress({ bytes: 5, totalBytes: 10 }) }) });
    expect(phases(fetching)).toEqual(['schedule 0-2', 'weights 1-']);
    expect(tell(fetching)).toMatchObject({ phase: 'starting', detail: 'weights: half way' });
    expect(tell(fetching).start[1]).toMatchObject({ bytes: 5, totalBytes: 10, lastGrowth: at(9) });
    const complete = weights({ state: 'complete', endedAt: at(4) });
    expect(phases(seen({ weights: complete }))).toEqual(['schedule 0-2', 'pull 4-', 'weights 1-4']);
    expect(phases(seen({ weights: weights({ state: 'complete', endedAt: at(1.5) }) }))[1]).toBe('pull 2-');
  });

  it('say what the cache has come to', () => {
    const told = tell(seen({ pod: running, cache: progress({ bytes: 3 * 1024 ** 2, files: 7 }) }));
    expect(told.detail).toBe('compile: loads and compiles; its cache has 7 files, 3.0 MiB');
    expect(told.start.at(-1)).toMatchObject({ bytes: 3 * 1024 ** 2, lastGrowth: at(9) });
  });
});

describe('what is in the way', () => {
  const waiting = (reason: string, message: string) => pod({ containers: [container({ reason, message })] });
  const crash = (over: Partial<ContainerState>) =>
    pod({
      containers: [container({ reason: 'CrashLoopBackOff', lastExitCode: 1, lastReason: 'Error', ...over })],
    });
  const fault = (reason: string, permanent: boolean) => expect.objectContaining({ reason, permanent });

  it.each([
    [
      'no node that was chosen',
      seen({ pod: null, waits: 'n150: busy' }),
      'SERVER_UNSCHEDULABLE',
      false,
      'busy',
    ],
    ['no node that took it', seen({ pod: UNSCHEDULED }), 'SERVER_UNSCHEDULABLE', false, '0/2 nodes'],
    [
      'an image that is not there',
      seen({ pod: waiting('ErrImagePull', 'i:1: not found') }),
      'SERVER_IMAGE_UNAVAILABLE',
      false,
      'i:1: not found',
    ],
    [
      'an image that did not come in time',
      seen({ nowMs: 40_000, pod: waiting('ImagePullBackOff', 'i:1') }),
      'SERVER_IMAGE_UNAVAILABLE',
      true,
      'ImagePullBackOff',
    ],
    [
      'a name that no image can have',
      seen({ pod: waiting('InvalidImageName', 'x:y:z') }),
      'SERVER_IMAGE_UNAVAILABLE',
      true,
      'x:y:z',
    ],
    [
      'an image that comes too slowly',
      seen({ nowMs: 33_000 }),
      'SERVER_IMAGE_UNAVAILABLE',
      true,
      'within 30 s',
    ],
    [
      'a secret that is missing',
      seen({ pod: waiting('CreateContainerConfigError', 'secret "k" not found') }),
      'SERVER_START_FAILED',
      false,
      'secret "k" not found',
    ],
    [
      'an exit',
      seen({ pod: crash({ lastMessage: 'no --modle' }) }),
      'SERVER_START_FAILED',
      false,
      'no --modle',
    ],
    [
      'exits again and again',
      seen({ pod: crash({ restarts: 3 }) }),
      'SERVER_START_FAILED',
      true,
      'exited with 1',
    ],
    [
      'too little memory',
      seen({ pod: crash({ lastReason: 'OOMKilled', lastExitCode: 137 }) }),
      'SERVER_OUT_OF_MEMORY',
      false,
      'limits.memory',
    ],
    [
      'a cache that does not grow',
      seen({ nowMs: 30_000, pod: running, cache: progress() }),
      'SERVER_START_STALLED',
      true,
      'has not grown for 20 s',
    ],
    [
      'a start without end',
      seen({ nowMs: 66_000, pod: running, cache: progress({ lastGrowth: at(65) }) }),
      'SERVER_START_FAILED',
      true,
      'not ready 60 s after',
    ],
    [
      'another model',
      seen({
        pod: running,
        health: { answers: false, fault: new AssayError('ENDPOINT_WRONG_MODEL', 'it lists x') },
      }),
      'ENDPOINT_WRONG_MODEL',
      true,
      'it lists x',
    ],
    [
      'weights without room',
      seen({
        weights: weights({ state: 'failed', fault: { reason: 'WEIGHTS_NO_SPACE', message: '5 bytes' } }),
      }),
      'WEIGHTS_NO_SPACE',
      true,
      '5 bytes',
    ],
    [
      'weights that nobody says anything of',
      seen({ weights: weights({ state: 'failed', fault: null }) }),
      'WEIGHTS_FAILED',
      true,
      'last words',
    ],
  ])('is %s', (_, state, reason, permanent, words) => {
    const told = tell(state);
    expect(told.fault).toEqual(fault(reason, permanent));
    expect(told.detail).toContain(words);
    expect(told.phase).toBe(permanent ? 'failed' : 'starting');
    const open = told.start.find(({ endedAt }) => endedAt === null);
    if (open !== undefined) expect(open.detail).toContain(words);
  });

  it('is no node after half a minute: another one is looked for', () => {
    expect(tell(seen({ pod: UNSCHEDULED })).move).toBe(false);
    expect(tell(seen({ nowMs: 32_000, pod: UNSCHEDULED })).move).toBe(true);
  });

  it('is the node: a pod that was evicted is made anew, which is no crash', () => {
    const evicted = pod({
      phase: 'Failed',
      conditions: [
        ...pod().conditions,
        {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'drain',
          since: at(9),
        },
      ],
    });
    const told = tell(seen({ pod: evicted }));
    expect(told).toMatchObject({ phase: 'starting', move: true });
    expect(told.detail).toContain('EvictionByEvictionAPI: drain');
  });

  it('is forgiven once it was warm', () => {
    const again = crash({ restarts: 4 });
    expect(tell(seen({ pod: again, restartsWhenWarm: 3 })).fault).toEqual(
      fault('SERVER_START_FAILED', false),
    );
    expect(tell(seen({ pod: again, restartsWhenWarm: 1 })).fault).toEqual(fault('SERVER_START_FAILED', true));
  });

  it('is silence of one that was ready: it is down, not failed', () => {
    const silent = new AssayError('ENDPOINT_UNREACHABLE', 'no answer', { permanent: false });
    const told = tell(seen({ pod: running, warmAt: at(8), health: { answers: false, fault: silent } }));
    expect(told).toMatchObject({ phase: 'down', fault: silent });
  });

  it('is not the cache while it grows, nor once the server answers', () => {
    const grows = seen({ nowMs: 30_000, pod: running, cache: progress({ lastGrowth: at(29) }) });
    expect(tell(grows).fault).toBeNull();
    const answers = seen({
      nowMs: 30_000,
      pod: running,
      cache: progress(),
      health: { answers: true, fault: null },
    });
    expect(tell(answers)).toMatchObject({ phase: 'starting', fault: null });
  });
});
