import type { MetricSpec, PreparedDoc, Scoring } from '@assay/lib/domain';
import { describe, expect, it } from 'vitest';
import { argmax } from './choices.ts';
import { compileExactMatch } from './exact-match.ts';
import { scoreDocument } from './score.ts';

const hashes = { doc: '', prompt: '', target: '' };
const metric = (name: string, args: MetricSpec['args'] = {}): MetricSpec => ({
  metric: name,
  aggregation: 'mean',
  higherIsBetter: true,
  args,
});

function doc(gold: readonly number[], choices = ['😀', 'bbbb']): PreparedDoc {
  return { doc: 0, json: '{}', target: '', gold, choices, hashes };
}

describe('exact_match', () => {
  it.each([
    ['a', ['a'], {}, 1],
    ['A', ['a'], {}, 0],
    ['A', ['a'], { ignore_case: true }, 1],
    ['a.b!', ['ab'], { ignore_punctuation: true }, 1],
    ['a“b', ['ab'], { ignore_punctuation: true }, 0],
    ['a1', ['a'], { ignore_numbers: true }, 1],
    ['a٣', ['a'], { ignore_numbers: true }, 0],
    ['a-1', ['a'], { ignore_punctuation: true, ignore_numbers: true }, 1],
    ['$1,000.', ['x #### 1000'], { regexes_to_ignore: [',', '\\$', '(?s).*#### ', '\\.$'] }, 1],
    ['a', ['b', 'a'], {}, 1],
    ['c', ['b', 'a'], {}, 0],
    ['c', [], {}, 0],
    [['a', 'b', 'a', 'a'], ['a'], {}, 0.75],
    [['a', 'b'], ['a', 'z'], {}, 1],
    ['A', ['a'], { ignore_case: 'no' }, 1],
    ['a\0', ['a'], {}, 1],
    ['xİ', ['xi̇'], { ignore_case: true }, 0],
  ])('of %j against %j with %j is %d', (filtered, gold, args, score) => {
    expect(compileExactMatch(args)(filtered, gold)).toBe(score);
  });
});

describe('argmax', () => {
  it.each([
    [[-1, -2], 0],
    [[-2, -1, -1], 1],
    [[-Infinity, -Infinity], 0],
    [[-1, Number.NaN, 3], 1],
  ])('of %j is %d', (values, best) => {
    expect(argmax(values)).toBe(best);
  });
});

describe('multiple choice', () => {
  const scoring: Scoring = {
    outputType: 'multiple_choice',
    per: 'document',
    repeats: 1,
    pipelines: [{ name: 'none', steps: [] }],
    metrics: [metric('acc'), metric('acc_norm'), metric('exact_match')],
  };

  it('divides by characters, not by bytes or UTF-16 units, for acc_norm', () => {
    const { metrics } = scoreDocument(scoring, doc([1]), [
      [
        [-2, false],
        [-5, true],
      ],
    ]);
    expect(metrics).toEqual({ 'acc,none': 0, 'acc_norm,none': 1, 'exact_match,none': 1 });
  });
  it('takes the first of equals', () => {
    expect(
      scoreDocument(scoring, doc([0], ['a', 'b']), [
        [
          [-1, true],
          [-1, true],
        ],
      ]).metrics,
    ).toMatchObject({ 'acc,none': 1, 'acc_norm,none': 1 });
  });
  it('accepts any of several, and nothing when the index is out of range', () => {
    const responses = [
      [
        [-1, true],
        [-9, false],
      ],
    ] as const;
    expect(scoreDocument(scoring, doc([1, 0]), responses).metrics).toMatchObject({
      'acc,none': 1,
      'exact_match,none': 1,
    });
    expect(scoreDocument(scoring, doc([-100]), responses).metrics).toMatchObject({
      'acc,none': 0,
      'exact_match,none': 0,
    });
  });
  it('shows pairs as Python writes them', () => {
    expect(
      scoreDocument(scoring, doc([0]), [
        [
          [-1, true],
          [-2.5, false],
        ],
      ]).filtered,
    ).toEqual({
      none: [
        ['-1.0', 'True'],
        ['-2.5', 'False'],
      ],
    });
  });
  it('refuses responses that are not one for each choice', () => {
    expect(() => scoreDocument(scoring, doc([0]), [[[-1, true]]])).toThrow('1 responses for 2 choices');
  });
});

describe('generation', () => {
  it('scores each pipeline over all repeats', () => {
    const scoring: Scoring = {
      outputType: 'generate_until',
      per: 'document',
      repeats: 3,
      pipelines: [
        { name: 'first', steps: [{ function: 'take_first', args: {} }] },
        {
          name: 'vote',
          steps: [
            { function: 'majority_vote', args: {} },
            { function: 'take_first', args: {} },
          ],
        },
      ],
      metrics: [metric('exact_match', { ignore_case: true })],
    };
    const responses = ['X', 'y', 'y'].map((text) => ({ text, finishReason: 'stop' }));
    expect(
      scoreDocument(scoring, { doc: 0, json: '{}', target: 'x', gold: ['x'], hashes }, responses),
    ).toEqual({
      metrics: { 'exact_match,first': 1, 'exact_match,vote': 0 },
      filtered: { first: 'X', vote: 'y' },
    });
  });
});
