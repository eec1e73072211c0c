import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathProblem } from './bundle.ts';
import { contentHashOf, jobIdOf } from './job-id.ts';
import { validate, type Submission } from './validate.ts';

const models = [{ name: 'small', devices: ['cpu'] }];

function submission(over: Partial<Submission> = {}): Submission {
  return {
    requestId: 'r-1',
    target: { type: 'catalog', model: 'small', device: '' },
    tasks: [{ name: 'a', limit: undefined, numFewshot: undefined, genKwargsJson: '' }],
    bundle: '',
    seed: undefined,
    maxConcurrency: 0,
    ...over,
  };
}

describe('validate', () => {
  it('fills in what was left open', () => {
    const { problems, valid } = validate(submission(), models, ['cpu']);
    expect(problems).toEqual([]);
    expect(valid).toMatchObject({ target: { type: 'catalog', model: 'small', device: 'cpu' }, seed: 1234 });
  });

  it('names every wrong field at once', () => {
    const wrong = submission({
      requestId: '',
      seed: -1n,
      maxConcurrency: -2,
      target: { type: 'endpoint', baseUrl: 'ftp://x', model: '', apiKey: 'a\nb' },
      tasks: [
        { name: 'a', limit: 0, numFewshot: -1, genKwargsJson: '[1]' },
        { name: 'a', limit: undefined, numFewshot: undefined, genKwargsJson: '{' },
        { name: '', limit: undefined, numFewshot: undefined, genKwargsJson: '' },
      ],
    });
    expect(validate(wrong, models, ['cpu']).problems.map((problem) => problem.field)).toEqual([
      'request_id',
      'seed',
      'max_concurrency',
      'endpoint.base_url',
      'endpoint.model',
      'endpoint.api_key',
      'tasks[0].limit',
      'tasks[0].num_fewshot',
      'tasks[0].gen_kwargs_json',
      'tasks[1].name',
      'tasks[1].gen_kwargs_json',
      'tasks[2].name',
    ]);
  });

  it('tells an unknown model from an unknown device', () => {
    const target = { type: 'catalog', model: 'large', device: 'abacus' } as const;
    const { problems } = validate(submission({ target }), models, ['cpu']);
    expect(problems.map(({ field, reason }) => [field, reason])).toEqual([
      ['catalog.device', 'UNKNOWN_DEVICE'],
      ['catalog.model', 'UNKNOWN_MODEL'],
    ]);
  });

  it('refuses a model that nothing here can start', () => {
    for (const device of ['', 'cpu']) {
      const target = { type: 'catalog', model: 'small', device } as const;
      const { problems } = validate(submission({ target }), [{ name: 'small', devices: [] }], ['cpu']);
      expect(problems.map(({ field, reason }) => [field, reason])).toEqual([
        ['catalog.model', 'UNKNOWN_DEVICE'],
      ]);
    }
  });

  it('asks for a target and for tasks', () => {
    const { problems } = validate(submission({ target: undefined, tasks: [] }), models, ['cpu']);
    expect(problems.map((problem) => problem.field)).toEqual(['target', 'tasks']);
  });
});

describe('jobIdOf', () => {
  it('is the same for the same request and has twelve characters of base 32', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (tenant, request) => {
        expect(jobIdOf(tenant, request)).toMatch(/^[a-z2-7]{12}$/);
        expect(jobIdOf(tenant, request)).toBe(jobIdOf(tenant, request));
      }),
    );
  });
  it('tells tenants and requests apart', () => {
    expect(new Set([jobIdOf('a', 'bc'), jobIdOf('ab', 'c'), jobIdOf('a', 'b')]).size).toBe(3);
    expect(contentHashOf({ a: 1 })).not.toBe(contentHashOf({ a: 2 }));
  });
});

describe('pathProblem', () => {
  it('refuses every path that could leave the folder', () => {
    for (const path of [
      '',
      '/a',
      '../a',
      'a/../b',
      'a//b',
      './a',
      'a/.',
      'C:/a',
      '@catalog/a',
      'a\\b',
      'a\nb',
      'a\0',
    ]) {
      expect(pathProblem(path), path).not.toBeNull();
    }
  });
  it('accepts ordinary relative paths', () => {
    for (const path of ['a.yaml', 'data/test.jsonl', 'ünï/çödé.yaml', '..a/b..'])
      expect(pathProblem(path), path).toBeNull();
  });
});
