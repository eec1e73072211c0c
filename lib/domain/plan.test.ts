import { describe, expect, it } from 'vitest';
import { countsOf } from './plan.ts';
import type { Scoring } from './prepared.ts';

function scoring(per: Scoring['per']): Scoring {
  return { outputType: 'generate_until', per, repeats: 4, pipelines: [], metrics: [] };
}

describe('countsOf', () => {
  it('expects one score for each repeat when samples are scored one by one', () => {
    expect(countsOf({ task: 't', docs: 10, repeats: 4, scoring: scoring('sample') })).toEqual({
      task: 't',
      samples: 40,
      scores: 40,
    });
  });
  it('expects one score for each document when documents are scored whole', () => {
    expect(countsOf({ task: 't', docs: 10, repeats: 4, scoring: scoring('document') })).toEqual({
      task: 't',
      samples: 40,
      scores: 10,
    });
  });
});
