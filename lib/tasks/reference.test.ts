import { readFileSync } from 'node:fs';
import type { DocHashes, PreparedDoc, PreparedRequest, TaskSelection } from '@assay/lib/domain';
import { describe, expect, it } from 'vitest';
import { bundleOf } from './fixtures/bundle.ts';
import { hashTask, openTask, pairsAsWritten, promptText, scoreDocument } from './index.ts';

/** What the reference harness gave for original toy data, with made-up responses. */
interface Reference {
  readonly files: Readonly<Record<string, string>>;
  readonly cases: readonly {
    readonly task: string;
    readonly selection: TaskSelection;
    readonly seed: number;
    readonly config: string;
    readonly version: string;
    readonly taskHash: string;
    readonly prompt: string;
    readonly rows: readonly {
      readonly hashes: readonly [doc: string, prompt: string, target: string];
      readonly target: string;
      readonly arguments?: readonly (readonly [context: string, continuation: string])[];
      readonly scores: Readonly<Record<string, number>>;
      readonly filtered: Readonly<Record<string, readonly unknown[]>>;
    }[];
    readonly responses: readonly (readonly (string | readonly (readonly [number, boolean])[])[])[];
  }[];
}

const reference: Reference = JSON.parse(
  readFileSync(new URL('fixtures/reference.json', import.meta.url), 'utf8'),
);
const files = bundleOf(reference.files);

function writtenOf(request: PreparedRequest, doc: PreparedDoc, delimiter: string) {
  if (request.type === 'generate') return [[promptText(request.prompt)]];
  const many = request.contexts.length > 1;
  const written = request.pairs.map((_, at) => delimiter + (many ? doc.target : (doc.choices?.[at] ?? '')));
  return pairsAsWritten(request, written);
}

describe.each(reference.cases)('task $task against lm_eval 0.4.13', (expected) => {
  it('gives the same prompts, continuations and hashes', async () => {
    const task = await openTask(files, expected.selection, expected.seed);
    const delimiter = String(task.header.config['target_delimiter']);
    const hashes: DocHashes[] = [];
    let prompt: string | undefined;
    for await (const { request, doc } of task.items()) {
      const row = expected.rows[doc.doc];
      if (doc.doc === 0) prompt = writtenOf(request, doc, delimiter)[0]?.[0];
      // The fixture has the continuations of the first documents only; hashes cover the prompts of the others.
      const pairs = row?.arguments === undefined ? undefined : writtenOf(request, doc, delimiter);
      expect({ target: doc.target, hashes: Object.values(doc.hashes), pairs }).toEqual({
        target: row?.target,
        hashes: row?.hashes,
        pairs: row?.arguments,
      });
      hashes.push(doc.hashes);
    }
    expect(prompt).toBe(expected.prompt);
    expect(hashes).toHaveLength(expected.rows.length);
    expect(task.header.docs).toBe(expected.rows.length);
    expect(hashTask(task.header.scoring.pipelines.length, () => hashes)).toBe(expected.taskHash);
  });

  it('shows the same configuration', async () => {
    const { header } = await openTask(files, expected.selection, expected.seed);
    expect(header.configJson).toBe(expected.config);
    expect(header.version).toBe(expected.version);
    expect(header.config).toEqual(JSON.parse(expected.config));
  });

  it('filters and scores the same responses the same way', async () => {
    const task = await openTask(files, expected.selection, expected.seed);
    for await (const { request, doc } of task.items()) {
      const row = expected.rows[doc.doc];
      const responses = (expected.responses[doc.doc] ?? []).map((response) =>
        typeof response === 'string' ? { text: response, finishReason: 'stop' } : response,
      );
      const { metrics, filtered } = scoreDocument(task.header.scoring, doc, responses);
      expect(metrics).toEqual(row?.scores);
      const shown = Object.entries(filtered).map(([name, value]) => [
        name,
        request.type === 'generate' ? [value] : value,
      ]);
      expect(Object.fromEntries(shown)).toEqual(row?.filtered);
    }
  });
});
