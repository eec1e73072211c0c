import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JOBS } from '@assay/lib/bus';
import type { JobRecord, ShardDocs, ShardRequests, TaskPlan } from '@assay/lib/domain';
import { RunnerWorld, until } from './runner-world.ts';

let world: RunnerWorld;

beforeAll(async () => {
  world = await RunnerWorld.start();
  await world.runner();
});
afterAll(() => world.stop());

const YAML = `task: sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: data.jsonl
test_split: test
output_type: generate_until
doc_to_text: "Q: {{question}}\\nA:"
doc_to_target: "{{answer}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 32
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
`;
const DATA = Array.from({ length: 100 }, (_, i) =>
  JSON.stringify({ question: `${'1 + '.repeat(i)}1?`, answer: String(i + 1) }),
).join('\n');

async function bundle(files: Readonly<Record<string, string>>) {
  const listed = await Promise.all(
    Object.entries(files).map(async ([path, text]) => {
      const bytes = Buffer.from(text);
      return { path, blob: await world.blob.put(bytes), bytes: bytes.length };
    }),
  );
  return world.put({ v: 1, files: listed });
}

async function read<T>(ref: Parameters<RunnerWorld['blob']['get']>[0]): Promise<T> {
  return JSON.parse(Buffer.from(await world.blob.get(ref)).toString()) as T;
}

describe('preparing a task', () => {
  it('gives its plan and its shards, the same each time', async () => {
    const files = await bundle({ 'sums.yaml': YAML, 'data.jsonl': DATA });
    const { prepare } = world.bus.work('p0');
    for (const job of ['one', 'two'])
      await prepare.publish({ v: 1, job, task: 'sums', bundle: files, seed: 1 });
    const [one, two] = [await world.answer('one.prepare.sums'), await world.answer('two.prepare.sums')];
    expect(one).toEqual(two);
    if (!one.ok || !('plan' in one.value)) throw new Error(JSON.stringify(one));
    expect(one.value).toMatchObject({ samples: 100, scores: 100, needsLogprobs: false, api: 'completions' });
    const plan = await read<TaskPlan>(one.value.plan);
    expect(plan.shards.map(({ n }) => n)).toEqual(plan.shards.map((_, n) => n));
    const docs: number[] = [];
    for (const shard of plan.shards) {
      const { requests } = await read<ShardRequests>(shard.requests);
      const shown = await read<ShardDocs>(shard.docs);
      expect(shown.docs.map(({ doc }) => doc)).toEqual(requests.map(({ doc }) => doc));
      docs.push(...requests.map(({ doc }) => doc));
      expect(JSON.stringify(requests)).not.toContain('answer');
    }
    // One window: the longest question is the last document.
    expect(docs[0]).toBe(99);
    expect(docs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(plan.needs).toMatchObject({ maxTokens: 32, longestPromptChars: 'Q: '.length + 99 * 4 + 2 + 3 });
  });

  it('says everything that is wrong with a task', async () => {
    const files = await bundle({
      'sums.yaml': YAML.replace('{{question}}', '{{ question'),
      'data.jsonl': DATA,
    });
    await world.bus.work('p0').prepare.publish({ v: 1, job: 'bad', task: 'sums', bundle: files, seed: 1 });
    const answer = await world.answer('bad.prepare.sums');
    expect(answer).toMatchObject({ ok: false, reason: 'TASK_INVALID' });
    expect(answer.ok ? [] : answer.violations).toEqual([
      expect.objectContaining({ field: expect.stringMatching(/^sums\.yaml:\d+:\d+$/) as string }),
    ]);
  });

  it('leaves a cancelled job alone', async () => {
    const files = await bundle({ 'sums.yaml': YAML, 'data.jsonl': DATA });
    await world.bus.kv(JOBS).put('gone', { cancelRequested: true, state: 'PREPARING' } as JobRecord);
    const { prepare } = world.bus.work('p0');
    await until(async () => {
      await prepare.publish({ v: 1, job: 'gone', task: 'sums', bundle: files, seed: 1 });
      return (await prepare.outstanding({ job: 'gone' })) > 0;
    }, 5_000);
    await until(async () => (await prepare.outstanding({ job: 'gone' })) === 0, 10_000);
  });
});
