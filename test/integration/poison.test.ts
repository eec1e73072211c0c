import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer, type FaultRule, type ModelServer } from '../support/model-server.ts';
import { startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  mixed,
  rowsOf,
  storedOf,
  storedOnce,
  submitMixed,
  succeeded,
  type Row,
  type Rows,
} from './outage-world.ts';

const LONG = { timeout: 240_000 };
const HUGE_BYTES = 700_000;
/** Answers that are no text for a person: each of them right in form, and hostile to whatever reads it. */
const POISON: readonly FaultRule[] = [
  { mode: 'huge', match: 'generate 1:', bytes: HUGE_BYTES },
  { mode: 'invalid-utf8', match: 'generate 2:' },
  { mode: 'surrogates', match: 'generate 3:' },
  { mode: 'huge', match: 'code 1', bytes: HUGE_BYTES },
  { mode: 'invalid-utf8', match: 'code 2' },
  { mode: 'surrogates', match: 'code 3' },
  { mode: 'huge', match: 'vote 1:', bytes: HUGE_BYTES },
  { mode: 'invalid-utf8', match: 'vote 2:' },
  { mode: 'surrogates', match: 'vote 3:' },
];
const WRONG: Readonly<Record<string, Row>> = {
  fault_generate: { metrics: { exact_match: 0 }, unscored: [] },
  fault_code: { metrics: { 'pass@1': 0, 'pass@2': 0 }, unscored: [] },
  fault_repeated: { metrics: { exact_match: 0 }, unscored: [] },
};

let server: ModelServer;
let stack: Stack;
let undisturbed: Rows;
beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  stack = await startStack();
  const id = await submitMixed(stack, 'undisturbed', endpoint(server.url));
  await succeeded(stack, id, 120_000);
  undisturbed = await rowsOf(stack, id);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});

describe('answers that are huge, not UTF-8, or hold NUL and lone surrogates', () => {
  it('are scored like any other, and the report is still text', LONG, async () => {
    await server.set({ faults: POISON });
    const id = await submitMixed(stack, 'answers', endpoint(server.url));
    await succeeded(stack, id, 120_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, wrongAt(undisturbed, [1, 2, 3]));
    const lines = await sampleLines(id);
    const answers = (task: string, doc: number) =>
      lines.filter((line) => line.task === task && line.doc === doc).flatMap(({ responses }) => responses);
    expect(answers('fault_generate', 1)).toEqual(['x'.repeat(HUGE_BYTES)]);
    expect(answers('fault_generate', 2)).toEqual(['a\ufffd\ufffd\ufffdb']);
    expect(answers('fault_generate', 3)).toEqual(['a\ufffdb\ufffdc\0d']);
    expect(answers('fault_repeated', 3)).toEqual(Array<string>(4).fill('a\ufffdb\ufffdc\0d'));
    // Over 256 KiB a message refers to a blob: the answers, and the scores of code, which hold the program.
    const stored = await storedOf(stack, id);
    const blobs = stored.filter(({ generation }) => 'blob' in generation.outcome);
    expect(blobs).toHaveLength(1 + 2 + 4);
  });
});

describe('documents', () => {
  it('with half a surrogate pair are refused at submit: no text can hold it', LONG, async () => {
    const submitted = submitMixed(stack, 'surrogates', endpoint(server.url), poisonDocs('lone \ud800'));
    await expect(submitted).rejects.toMatchObject({ reason: 'TASK_DATA_INVALID' });
  });

  it('with NUL, and prompts that are huge, are asked, scored and reported like any other', LONG, async () => {
    await server.set({ faults: [] });
    const poison = poisonDocs('plain', 'NUL \0 inside', `long ${'word '.repeat(3_000)}`);
    const of = { ...mixed, ...poison, samples: 3, scores: 3 };
    const id = await submitMixed(stack, 'documents', endpoint(server.url), poison);
    await succeeded(stack, id, 120_000, of);
    await storedOnce(stack, id, of);
    const { tasks } = await stack.result(id);
    expect(tasks.map(({ coverage, scored }) => [coverage, Number(scored)])).toEqual([[1, 3]]);
    const lines = await sampleLines(id);
    expect(lines.map(({ doc }) => doc)).toEqual([0, 1, 2]);
    expect((await server.requests()).total).toBeGreaterThanOrEqual(3);
  });
});

function poisonDocs(...texts: readonly string[]) {
  const rows = texts.map((q, i) => JSON.stringify({ q: `generate ${String(i)} ${q}`, a: String(i) }));
  const yaml = `task: poison_docs
dataset_path: json
dataset_kwargs:
  data_files: { test: poison.jsonl }
test_split: test
num_fewshot: 0
output_type: generate_until
doc_to_text: "{{q}}:"
doc_to_target: "{{a}}"
generation_kwargs: { until: ["\\\\n"], max_gen_toks: 32, do_sample: false }
metric_list:
  - { metric: exact_match, aggregation: mean, higher_is_better: true }
metadata: { version: 1.0 }
`;
  return { files: { 'poison.jsonl': `${rows.join('\n')}\n`, 'poison.yaml': yaml }, tasks: ['poison_docs'] };
}

function wrongAt(rows: Rows, docs: readonly number[]): Rows {
  return new Map(
    [...rows].map(([task, found]) => {
      const wrong = WRONG[task];
      const changed = wrong === undefined ? [] : docs.map((doc) => [doc, wrong] as const);
      return [task, new Map([...found, ...changed])];
    }),
  );
}

interface SampleLine {
  readonly task: string;
  readonly doc: number;
  readonly responses: readonly string[];
}

/** The samples files as they lie on disk: each must be UTF-8 and each of its lines JSON. */
async function sampleLines(id: string): Promise<SampleLine[]> {
  const folder = path.join(stack.layout.reports, id);
  const lines: SampleLine[] = [];
  for (const name of await readdir(folder)) {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path.join(folder, name)));
    const task = /^samples_(.+?)_\d{4}-/.exec(name)?.[1];
    if (task === undefined) continue;
    for (const line of text.trimEnd().split('\n')) {
      const { doc_id: doc, resps } = JSON.parse(line) as { doc_id: number; resps: string[][] };
      lines.push({ task, doc, responses: resps.flat() });
    }
  }
  return lines;
}
