import { run } from '@assay/cli/program';
import { Job, JobState } from '@assay/proto/assay/v1/job';
import { Result } from '@assay/proto/assay/v1/result';
import type { FakeServices } from './fake-services.ts';

const seconds = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();

/** A job of one task with ten documents, `scored` of them scored. */
export function jobOf(state: JobState, scored = 0): Job {
  return Job.fromJSON({
    id: 'j1',
    state,
    reason: 'WHY',
    detail: 'in words',
    model: 'tiny',
    device: 'cpu',
    tasks: [{ name: 'a', docs: 10, samples: 10, generated: 10, scores: 10, scored, prepared: true }],
    transitions: [{ from: JobState.QUEUED, to: JobState.RUNNING, reason: 'SERVER_READY', time: seconds(10) }],
    createTime: seconds(0),
    ...(state === JobState.SUCCEEDED ? { endTime: seconds(20) } : {}),
    activity: ['runner: generates'],
  });
}

export function resultOf(final: boolean): Result {
  return Result.fromJSON({
    jobId: 'j1',
    final,
    model: 'tiny',
    tasks: [
      {
        task: 'a',
        metrics: [
          {
            task: 'a',
            filter: 'none',
            metric: 'acc',
            value: 0.5,
            stderr: 0.1667,
            low: 0.2,
            high: 0.8,
            n: 10,
          },
        ],
        docs: 10,
        expected: 10,
        scored: 9,
        unscored: 1,
        coverage: 0.9,
        promptTokens: 900,
        completionTokens: 100,
        unscoredReasons: [{ reason: 'TIMED_OUT', count: 1 }],
      },
    ],
    resultsJson: '{"results": {}}',
    reportMarkdown: '# Report\n\u001b[2Jdone',
    files: [{ name: 'report.md', path: '/r/report.md', bytes: 3 }],
  });
}

export interface Surroundings {
  readonly services: FakeServices;
  /** The state folder. */
  readonly folder: string;
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** The command line in this process, as `assay <args>` against fake services. */
export function assay(args: readonly string[], options: Surroundings) {
  const { services, folder } = options;
  const interrupted = new AbortController();
  const shown = { out: '', err: '', code: 0 };
  const waiting: { text: string; resolve: () => void }[] = [];
  const ended = run(args, {
    env: {
      ASSAY_SCHEDULER: services.address,
      ASSAY_REPORTER: services.address,
      ASSAY_TOKEN: services.token,
      ASSAY_STATE: folder,
      ...options.env,
    },
    out: {
      isTty: options.tty ?? false,
      width: 100,
      height: 30,
      write(text) {
        shown.out += text;
        for (const wait of waiting) if (shown.out.includes(wait.text)) wait.resolve();
      },
    },
    err: (line) => void (shown.err += `${line}\n`),
    interrupted: interrupted.signal,
    setExitCode: (code) => void (shown.code = code),
  });
  return {
    shown,
    interrupt: () => interrupted.abort(new Error('interrupted by SIGINT')),
    said: (text: string) =>
      new Promise<void>((resolve) => {
        waiting.push({ text, resolve });
        if (shown.out.includes(text)) resolve();
      }),
    end: () => ended.then(() => shown),
  };
}
