import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generationSubjects, scoreSubjects } from './ledger-subject.ts';
import { token } from './subject.ts';

const generations = generationSubjects('p0');
const scores = scoreSubjects('p0');

describe('a generation', () => {
  test('is named by kind, job, task, bucket, document and repeat', () => {
    const key = { kind: 'score', job: 'abc', task: 'gsm8k', doc: 20_001, repeat: 3 } as const;
    expect(generations.of(key)).toBe('assay.p0.generations.score.abc.gsm8k.2.20001.3');
  });

  test.each([
    [{}, 'assay.p0.generations.>'],
    [{ kind: 'execute' }, 'assay.p0.generations.execute.>'],
    [{ job: 'abc' }, 'assay.p0.generations.*.abc.>'],
    [{ job: 'abc', task: 'a task' }, 'assay.p0.generations.*.abc.a=20task.>'],
    [{ kind: 'score', job: 'abc', bucket: 0 }, 'assay.p0.generations.score.abc.*.0.>'],
  ])('is filtered by %o', (parts, subject) => expect(generations.filter(parts)).toBe(subject));
});

describe('a score', () => {
  test('is named by epoch and may be of a whole document', () => {
    const key = { epoch: 1, job: 'abc', task: 'gsm8k', doc: 7, repeat: 'all' } as const;
    expect(scores.of(key)).toBe('assay.p0.scores.1.abc.gsm8k.0.7.all');
    expect(scores.filter({ epoch: 1, job: 'abc' })).toBe('assay.p0.scores.1.abc.>');
  });

  test('is found again in its subject', () => {
    const repeat = fc.oneof(fc.nat(), fc.constant('all' as const));
    fc.assert(
      fc.property(fc.string(), fc.nat(), repeat, fc.nat(), (task, doc, repeat, epoch) => {
        const subject = scores.of({ epoch, job: 'abc', task, doc, repeat });
        const bucket = Math.floor(doc / 10_000);
        expect(scores.parse(subject)).toEqual({ epoch, job: 'abc', task: token(task), bucket, doc, repeat });
      }),
    );
  });
});

test.each([
  'assay.p0.scores.0.abc.gsm8k.0.7',
  'assay.p0.scores.0.abc.gsm8k.0.7.some',
  'assay.p0.scores.0.abc.gsm8k.0.7.1.2',
  'assay.p0.scores.x.abc.gsm8k.0.7.1',
  'assay.p1.scores.0.abc.gsm8k.0.7.1',
  'assay.p0.generations.score.abc.gsm8k.0.7.1',
  '',
])('%s is not the subject of a score', (subject) => expect(scores.parse(subject)).toBeNull());
