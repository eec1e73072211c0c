import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Filtered, compilePipeline } from './filters.ts';

function run(
  responses: Filtered,
  ...steps: readonly (readonly [string, Record<string, unknown>?])[]
): Filtered {
  return compilePipeline({ name: 'p', steps: steps.map(([name, args = {}]) => ({ function: name, args })) })(
    responses,
  );
}

describe('regex', () => {
  it.each([
    ['a1 b22 c3', { regex_pattern: '[0-9]+' }, '1'],
    ['a1 b22 c3', { regex_pattern: '[0-9]+', group_select: -1 }, '3'],
    ['a1 b22 c3', { regex_pattern: '[0-9]+', group_select: 1 }, '22'],
    ['a1', { regex_pattern: '[0-9]+', group_select: 4 }, '[invalid]'],
    ['none', { regex_pattern: '[0-9]+' }, '[invalid]'],
    ['none', { regex_pattern: '[0-9]+', fallback: '' }, ''],
    ['so $12.', { regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)', group_select: -1 }, '$12.'],
    ['is 7', { regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)', group_select: -1 }, '7'],
    ['x', { regex_pattern: '(a?)(b?)' }, '[invalid]'],
    ['#### 1,234 ', {}, '1,234'],
    ['say:  hi  .', { regex_pattern: 'say:(.*)\\.' }, 'hi'],
  ])('of %j with %j is %j', (text, args, expected) => {
    expect(run([text], ['regex', args])).toEqual([expected]);
  });
});

describe('majority_vote', () => {
  it('takes the most frequent, the first seen of equals, as a list of one', () => {
    expect(run(['b', 'a', 'a', 'b', 'c'], ['majority_vote'])).toEqual(['b']);
    expect(run(['b', 'a', 'a'], ['majority_vote'], ['take_first'])).toBe('a');
  });
  it('gives a response that no other is more frequent than', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1 }), (responses) => {
        const count = (text: Filtered | undefined) => responses.filter((one) => one === text).length;
        const vote = run(responses, ['majority_vote'], ['take_first']);
        expect(count(vote)).toBe(Math.max(...responses.map(count)));
        expect(vote).toBe(responses.find((one) => count(one) === count(vote)));
      }),
    );
  });
});

describe('a pipeline', () => {
  it('keeps one result for each response until take_first', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (responses) => {
        const stripped = run(responses, ['remove_whitespace']);
        expect(stripped).toHaveLength(responses.length);
        expect(run(stripped, ['remove_whitespace'])).toEqual(stripped);
        expect(run(responses, ['take_first'])).toBe(responses[0]);
        expect(run(responses, ['remove_whitespace'], ['take_first'])).toEqual(stripped[0]);
      }),
    );
  });
  it('strips what Python calls whitespace, not what JavaScript does', () => {
    expect(run(['\x1c\u00a0a\ufeff '], ['remove_whitespace'])).toEqual(['a\ufeff']);
  });
  it('sees the characters of a text after take_first', () => {
    expect(run(['😀b'], ['take_first'], ['take_first'])).toBe('😀');
  });
});
