import { describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import { Job, JobState } from '@assay/proto/assay/v1/job';
import { errorLines, exitCodeOf } from './exit.ts';
import { parseGenKwargs, parseWhole } from './options.ts';
import { render } from './view/live.ts';
import { plain } from './view/plain.ts';
import { fit } from './view/width.ts';
import { duration, table } from './view/table.ts';

describe('parseGenKwargs', () => {
  it('reads names and values as lm-evaluation-harness does', () => {
    expect(parseGenKwargs('temperature=0.5,do_sample=True,max_gen_toks=64,stop=END')).toEqual({
      temperature: 0.5,
      do_sample: true,
      max_gen_toks: 64,
      stop: 'END',
    });
  });
  it('splits at no comma inside a list, an object or a string', () => {
    expect(parseGenKwargs('until=["a","b,"],stop="x, y",top_p=0.9,extra={"a":[1,2]}')).toEqual({
      until: ['a', 'b,'],
      stop: 'x, y',
      top_p: 0.9,
      extra: { a: [1, 2] },
    });
    expect(parseGenKwargs('stop=[,temperature=0')).toEqual({ stop: '[', temperature: 0 });
  });
  it('reads a JSON object', () => {
    expect(parseGenKwargs('{"until": ["\\n"]}')).toEqual({ until: ['\n'] });
  });
  it('says what is wrong', () => {
    expect(() => parseGenKwargs('temperature')).toThrow('name=value');
    expect(() => parseGenKwargs('{"a":')).toThrow('JSON object');
  });
});

describe('parseWhole', () => {
  it('takes what is in range, and names the range otherwise', () => {
    expect(parseWhole('--limit', '2147483647', 1)).toBe(2_147_483_647);
    for (const text of ['0', '-3', '2147483648', '99999999999', '1.5', '1e3', ''])
      expect(() => parseWhole('--limit', text, 1)).toThrow(
        `--limit "${text}" is not a whole number from 1 to 2147483647`,
      );
  });
});

describe('plain', () => {
  it('leaves nothing that a terminal would obey', () => {
    expect(plain('a\u001b[31mred\u001b[0m\u0007b\r\nc\u202edev')).toBe('ared b c dev');
  });
});

describe('the live view', () => {
  const job = Job.fromJSON({
    id: 'abcdefgh2345',
    state: JobState.RUNNING,
    reason: 'SERVER_READY',
    detail: '10 samples',
    tasks: [
      { name: 'a', samples: 10, scores: 10, generated: 10, scored: 5, prepared: true },
      { name: 'long-name' },
    ],
    activity: ['runner: \u001b[2Jidle'],
    etaSeconds: 75,
  });

  it('shows how far each task is, and nothing wider than the terminal', () => {
    const lines = render({ job, result: null, rates: new Map([['a', 2.5]]), elapsedS: 3, width: 200 });
    expect(lines).toEqual([
      'job abcdefgh2345  RUNNING  3.0 s, about 1 min 15 s left',
      '  SERVER_READY: 10 samples',
      '  a          ███████████████░░░░░ 10/10 generated 5/10 scored 2.5/s ETA 2.0 s',
      '  long-name  prompts are being rendered',
      '  · runner: idle',
    ]);
    for (const line of render({ job, result: null, rates: new Map(), elapsedS: 3, width: 30 }))
      expect([...line].length).toBeLessThanOrEqual(30);
  });
});

describe('errors', () => {
  it('name every field, and what to do', () => {
    const error = new AssayError('UNKNOWN_TASK', 'the job was not accepted: tasks[0].name: no', {
      violations: [{ field: 'tasks[0].name', message: 'no task "x"' }],
    });
    expect(errorLines(error)).toEqual([
      'assay: the job was not accepted (UNKNOWN_TASK)',
      '  tasks[0].name: no task "x"',
      '  `assay tasks` lists the tasks; --tasks-dir adds your own',
    ]);
    expect(exitCodeOf(error)).toBe(1);
    expect(exitCodeOf(new AssayError('UNAVAILABLE', 'gone'))).toBe(3);
  });
});

describe('tables', () => {
  it('put numbers to the right', () => {
    expect(
      table(
        ['name', 'n'],
        [
          ['a', '1'],
          ['bb', '10'],
        ],
      ),
    ).toEqual(['name  n', '────  ──', 'a      1', 'bb    10']);
  });
  it('say durations as people do', () => {
    expect([0.5, 59, 61, 3_700].map(duration)).toEqual(['0.5 s', '59 s', '1 min 1 s', '1 h 1 min']);
    expect(fit('abcdef', 4)).toBe('abc…');
  });
});
