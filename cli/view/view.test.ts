import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Job, JobState, type StartPhase } from '@assay/proto/assay/v1/job';
import { Result } from '@assay/proto/assay/v1/result';
import { finalTable } from './final.ts';
import { render, summary, type Live } from './live.ts';
import { paint } from './paint.ts';
import { plainJson } from './plain.ts';
import { rates } from './rates.ts';
import { viewOn } from './screen.ts';
import { startLines } from './start.ts';
import { fit, pad, width } from './width.ts';

function jobOf(names: readonly string[], scored = 5, rest: object = {}): Job {
  const tasks = names.map((name) => ({
    name,
    samples: 10,
    scores: 10,
    generated: 10,
    scored,
    prepared: true,
  }));
  return Job.fromJSON({ id: 'j1', state: JobState.RUNNING, reason: 'WHY', detail: 'words', tasks, ...rest });
}

function liveOf(job: Job, rest: Partial<Live> = {}): Live {
  return { job, result: null, rates: new Map(), elapsedS: 3, width: 80, ...rest };
}

// oxlint-disable-next-line no-control-regex -- what a terminal would obey
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('the live view', () => {
  it('is no wider and no higher than the terminal and holds nothing that it obeys, whatever the server says', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 1 }),
        fc.constantFrom('\u001b[2J', '漢', '👍', '\n'),
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 12 }),
        text,
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 2, max: 20 }),
        (names, words, most, height) => {
          const job = jobOf(names, 5, { id: words, reason: words, detail: words, activity: [words] });
          const lines = render(liveOf(job, { width: most, height, away: words }));
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) {
            expect(width(line)).toBeLessThanOrEqual(most);
            expect(line).not.toMatch(OBEYED);
          }
          expect(summary(liveOf(job, { away: words }))).not.toMatch(OBEYED);
        },
      ),
    );
  });

  it('says how many lines do not fit', () => {
    const lines = render(liveOf(jobOf(['a', 'b', 'c', 'd']), { height: 4 }));
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('  … 3 lines more');
  });

  it('says where a waiting job stands, and that the scheduler is away', () => {
    const job = jobOf([], 0, { state: JobState.QUEUED, queuePosition: 3 });
    expect(render(liveOf(job, { away: 'h:1 cannot be reached' }))).toEqual([
      'job j1  QUEUED  3.0 s, position 3',
      '  not reachable, trying again: h:1 cannot be reached',
      '  WHY: words',
    ]);
  });

  it('colours the state and the bars, and nothing else', () => {
    const lines = render(liveOf(jobOf(['a'])));
    const painted = paint(lines);
    expect(painted).not.toEqual(lines);
    // oxlint-disable-next-line no-control-regex -- the colours
    expect(painted.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))).toEqual(lines);
  });
});

describe('a screen', () => {
  function drawnOn(isTty: boolean, color = false) {
    const written: string[] = [];
    return {
      written,
      out: { isTty, color, width: 60, height: 10, write: (text: string) => void written.push(text) },
    };
  }
  const moment = (job: Job) => ({ job, result: null, rates: new Map<string, number>(), elapsedS: 3 });

  it('that is a terminal is drawn over in place, and only when something changed', () => {
    const { written, out } = drawnOn(true);
    const view = viewOn(out, false);
    view.changed(moment(jobOf(['a'], 1)));
    view.ticked(moment(jobOf(['a'], 1)));
    view.ticked(moment(jobOf(['a'], 2)));
    expect(written).toHaveLength(2);
    expect(written[0]).not.toContain('A\u001b');
    expect(written[1]?.startsWith('\u001b[3A\u001b[2Kjob j1')).toBe(true);
    expect(written.join('')).not.toContain('\u001b[36m');
  });

  it('has colours only when they are wanted', () => {
    const { written, out } = drawnOn(true, true);
    viewOn(out, false).changed(moment(jobOf(['a'])));
    expect(written.join('')).toContain('\u001b[36mRUNNING\u001b[0m');
  });

  it('that is a file gets a line for each state and a line for each tick', () => {
    const { written, out } = drawnOn(false);
    const view = viewOn(out, false);
    view.changed(moment(jobOf(['a'], 1)));
    view.changed(moment(jobOf(['a'], 2)));
    view.ticked(moment(jobOf(['a'], 3)));
    expect(written).toEqual([
      'RUNNING  WHY: words\n',
      'job j1  RUNNING  3.0 s | a 10/10 generated 3/10 scored\n',
    ]);
    expect(view.paceMs).toBe(5_000);
  });
});

describe('rates', () => {
  it('are of the last ten seconds', () => {
    let nowMs = 0;
    const of = rates(() => nowMs);
    expect(of(jobOf(['a'], 0)).get('a')).toBe(0);
    nowMs = 2_000;
    expect(of(jobOf(['a'], 4)).get('a')).toBe(2);
    for (nowMs = 4_000; nowMs <= 20_000; nowMs += 1_000) of(jobOf(['a'], 4));
    expect(of(jobOf(['a'], 4)).get('a')).toBe(0);
  });

  it('start at nothing for a task that appears later, or whose count falls', () => {
    let nowMs = 0;
    const of = rates(() => nowMs);
    of(jobOf(['a'], 5));
    nowMs = 1_000;
    expect([...of(jobOf(['a', 'b'], 3)).values()]).toEqual([0, 0]);
  });
});

describe('the final table', () => {
  it('says why there is none', () => {
    const job = jobOf([], 0, { state: JobState.FAILED, reason: 'SERVER_LOST', detail: '\u001b[2Jgone' });
    expect(finalTable(job, null)).toEqual([
      'job j1 FAILED (SERVER_LOST): gone',
      '`assay job j1` shows its history',
    ]);
  });

  it('leaves out what is not defined', () => {
    const metric = { task: 'a', metric: 'acc', filter: 'none', value: 1, n: 1 };
    const result = Result.fromJSON({
      jobId: 'j1',
      final: true,
      tasks: [{ task: 'a', metrics: [metric], coverage: 1 }],
    });
    const [, , row] = finalTable(jobOf(['a'], 10, { state: JobState.SUCCEEDED }), result);
    expect(row).toMatch(/a +acc +none +1\.0000 +– +– +1 +100\.0 %/);
  });
});

describe('the coverage in the final table', () => {
  it('is never rounded up to everything', () => {
    const metric = { task: 'a', metric: 'acc', filter: 'none', value: 1, n: 1 };
    const tasks = [{ task: 'a', metrics: [metric], coverage: 2999 / 3000 }];
    const job = jobOf(['a'], 10, { state: JobState.SUCCEEDED });
    expect(finalTable(job, Result.fromJSON({ jobId: 'j1', final: true, tasks }))[2]).toMatch(/ 99\.9 %$/);
  });
});

describe('the end of the final table', () => {
  const times = {
    transitions: [{ to: JobState.RUNNING, time: '2026-01-01T00:00:00Z' }],
    endTime: '2026-01-01T00:01:40Z',
  };
  const job = jobOf(['a'], 10, { state: JobState.SUCCEEDED, ...times });
  const ended = (json: object, paused?: boolean) =>
    finalTable(
      job,
      Result.fromJSON({
        jobId: 'j1',
        final: true,
        tasks: [{ task: 'a', promptTokens: 900, completionTokens: 100 }],
        resultsJson: JSON.stringify(json),
      }),
      paused,
    ).slice(3);

  it('says no speed where the time holds pauses', () => {
    expect(ended({})).toEqual(['time         1 min 40 s; 900 prompt and 100 generated tokens (10 tokens/s)']);
    expect(ended({}, true)).toEqual([
      'time         1 min 40 s with the pauses between the runs; 900 prompt and 100 generated tokens',
    ]);
  });

  it('takes the jail from the provenance and from no other text of the results', () => {
    expect(ended({ config: '"jail_tier": "3"', assay: { provenance: { jail_tier: '1' } } }).at(-1)).toBe(
      'jail         tier 1',
    );
    expect(ended({ configs: { jail_tier: '3' } })).toHaveLength(1);
  });
});

describe('widths', () => {
  it('count what a terminal draws', () => {
    expect(['abc', '漢字', 'e\u0301', '👍', ''].map(width)).toEqual([3, 4, 1, 2, 0]);
    expect(fit('漢字漢字', 5)).toBe('漢字…');
    expect(pad('漢', 4)).toBe('漢  ');
    expect(pad('1', 3, 'left')).toBe('  1');
  });
});

describe('JSON for a terminal', () => {
  it('means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = plainJson(JSON.stringify({ text }));
        expect(shown).not.toMatch(OBEYED);
        expect(JSON.parse(shown)).toEqual({ text });
      }),
    );
  });
});

describe('the start of a model server', () => {
  const at = (second: number) => new Date(second * 1_000).toISOString();
  const phase = (
    name: string,
    from: number,
    to: number | null,
    over: Partial<StartPhase> = {},
  ): StartPhase => ({
    phase: name,
    startTime: at(from),
    endTime: to === null ? undefined : at(to),
    bytes: 0n,
    totalBytes: 0n,
    lastGrowthTime: undefined,
    detail: `${name} it is`,
    ...over,
  });
  const start = [
    phase('schedule', 0, 2, { detail: 'on node-1' }),
    phase('weights', 2, null, { bytes: 34n * 2n ** 20n, totalBytes: 88n * 2n ** 20n }),
  ];

  it('is a line for each phase, with its time and bytes, and is gone when the job is past it', () => {
    const starting = jobOf([], 0, { state: JobState.STARTING, start, node: 'node-1' });
    expect(startLines(starting, 14_000)).toEqual([
      '  model server on node-1:',
      expect.stringMatching(/^ {4}schedule +2\.0 s {2}on node-1$/),
      expect.stringMatching(/^ {4}weights +12 s {2}34 of 88 MiB {2}weights it is$/),
    ]);
    expect(startLines(jobOf([], 0, { state: JobState.RUNNING, start }), 14_000)).toEqual([]);
  });
});
