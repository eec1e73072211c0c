import { describe, expect, it } from 'vitest';
import { bundleOf, jsonLines, smallTask } from '../fixtures/bundle.ts';
import { checkTasks } from '../index.ts';

const ALIKE = [1, 1, 1, 2].map((n) => ({ q: `q${n}`, a: 'a' }));

describe('a few-shot pool that is too small', () => {
  it.each([
    [
      'the first of the evaluated split as shots, where one would be its own',
      smallTask('fewshot_split: test\nfewshot_config: {sampler: first_n}\nnum_fewshot: 3\n'),
      'TASK_INVALID f/t.yaml:10:14 3-shot prompts need a pool of 4 documents',
    ],
    [
      'a pool whose documents are too much alike',
      smallTask('fewshot_split: test\nnum_fewshot: 2\n', jsonLines(...ALIKE)),
      'TASK_INVALID f/t.yaml:9:14 2-shot prompts need a pool of 2 documents besides the evaluated one',
    ],
  ])('%s', async (_name, files, problem) => {
    const { problems } = await checkTasks(bundleOf(files), [{ name: 'T' }]);
    expect(problems).toHaveLength(1);
    expect(problems.map(({ reason, field, message }) => `${reason} ${field} ${message}`).join()).toContain(
      problem,
    );
  });

  it('is none when equal documents leave enough', async () => {
    const files = smallTask('fewshot_split: test\nnum_fewshot: 1\n', jsonLines(...ALIKE));
    expect((await checkTasks(bundleOf(files), [{ name: 'T' }])).problems).toEqual([]);
  });
});
