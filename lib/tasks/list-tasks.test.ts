import { describe, expect, it } from 'vitest';
import { bundleOf, smallTask } from './fixtures/bundle.ts';
import { listTasks } from './index.ts';

describe('listTasks', () => {
  it('lists tasks with what keeps them from running, and passes over files that cannot be read', async () => {
    const files = {
      ...smallTask('description: Says things.\n'),
      'f/u.yaml': 'include: t.yaml\ntask: U\nprocess_docs: !function a.b\n',
      'x.yaml': ': :',
    };
    expect(await listTasks(bundleOf(files))).toEqual([
      { name: 'T', outputType: 'generate_until', description: 'Says things.', file: 'f/t.yaml' },
      {
        name: 'U',
        outputType: 'generate_until',
        description: 'Says things.',
        file: 'f/u.yaml',
        unsupported: expect.stringContaining('a.b'),
      },
    ]);
  });

  it('takes the first definition of a name in path order', async () => {
    const files = { 'b/t.yaml': 'task: T\ntask_alias: second', 'a/t.yaml': 'task: T\ntask_alias: first' };
    expect(await listTasks(bundleOf(files))).toEqual([
      expect.objectContaining({ name: 'T', description: 'first' }),
    ]);
  });
});
