import { createHash } from 'node:crypto';
import type { DocHashes } from '@assay/lib/domain';
import { type PyDict, dumpJson } from './pylang/index.ts';

/** SHA-256 of a text in UTF-8, in hexadecimal. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The three hashes of a document as lm-evaluation-harness 0.4.13 writes them into sample files. */
export function hashDoc(doc: PyDict, prompt: string, target: string): DocHashes {
  return {
    doc: hashText(dumpJson(doc, { indent: 2, ensureAscii: false })),
    prompt: hashText(prompt),
    target: hashText(target),
  };
}

/**
 * `task_hashes` of a result file: over all lines of the sample file, which has every document once for each filter
 * pipeline. `docs` is walked once for each pipeline, in document order.
 */
export function hashTask(pipelines: number, docs: () => Iterable<DocHashes>): string {
  const hash = createHash('sha256');
  for (let pipeline = 0; pipeline < pipelines; pipeline += 1) {
    for (const { doc, prompt, target } of docs()) hash.update(doc).update(prompt).update(target);
  }
  return hash.digest('hex');
}
