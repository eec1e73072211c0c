import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundleOf, jsonLines } from '../fixtures/bundle.ts';
import { openTask } from '../open.ts';
import { pairsAsWritten } from './prepare.ts';

const YAML = `task: T
dataset_path: json
dataset_kwargs: { data_files: { test: d.jsonl } }
test_split: test
output_type: multiple_choice
doc_to_text: q
doc_to_target: label
doc_to_choice: choices
`;

describe('a choices request', () => {
  it('has the whitespace at the end of the context moved to the continuations, and knows what was written', async () => {
    const spaced = fc
      .tuple(fc.string({ minLength: 1 }), fc.constantFrom('', ' ', ' \n', '\t'))
      .map(([text, end]) => `x${text}${end}`);
    const choices = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(spaced, choices, async (q, list) => {
        const files = bundleOf({ 't.yaml': YAML, 'd.jsonl': jsonLines({ q, choices: list, label: 0 }) });
        const task = await openTask(files, { name: 'T' }, 1);
        for await (const { request, doc } of task.items()) {
          if (request.type !== 'choices') throw new Error('not choices');
          const [context = ''] = request.contexts;
          expect(context).toBe(context.trimEnd());
          for (const [at, { continuation }] of request.pairs.entries()) {
            expect(context + continuation).toBe(`${q} ${list[at]}`);
          }
          const written = (doc.choices ?? []).map((choice) => ` ${choice}`);
          expect(pairsAsWritten(request, written)).toEqual(list.map((choice) => [q, ` ${choice}`]));
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [{ label: 1 }, [1]],
    [{ label: 5 }, [-100]],
    [{ label: 'b' }, [1]],
    [{ label: 'z' }, [-100]],
    [{ label: [0, 1, 9] }, [0, 1, -100]],
    [{ label: true }, [1]],
  ])('of a document with %j accepts the choices %j', async ({ label }, gold) => {
    const files = bundleOf({ 't.yaml': YAML, 'd.jsonl': jsonLines({ q: 'x', choices: ['a', 'b'], label }) });
    for await (const { doc } of (await openTask(files, { name: 'T' }, 1)).items())
      expect(doc.gold).toEqual(gold);
  });
});
