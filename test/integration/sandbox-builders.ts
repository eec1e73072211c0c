import type { BlobRef, Generation, PreparedDoc, Scoring } from '@assay/lib/domain';

export const MATH: Scoring = {
  outputType: 'generate_until',
  per: 'document',
  repeats: 1,
  pipelines: [{ name: 'none', steps: [{ function: 'take_first', args: {} }] }],
  metrics: [{ metric: 'exact_match', aggregation: 'mean', higherIsBetter: true, args: {} }],
};

export const CODE: Scoring = {
  outputType: 'generate_until',
  per: 'sample',
  repeats: 1,
  pipelines: [{ name: 'code', steps: [{ function: 'take_first', args: {} }] }],
  metrics: [{ metric: 'pass@1', aggregation: 'pass_at_k', higherIsBetter: true, args: { k: 1 } }],
  code: { k: [1], cpuMs: 1_000, wallMs: 8_000, memoryBytes: 512 << 20, outputBytes: 65_536 },
};

export function preparedDoc(doc: number, gold: readonly (string | number)[] = [String(doc)]): PreparedDoc {
  return {
    doc,
    json: '{}',
    target: '',
    gold,
    hashes: { doc: `d${doc}`, prompt: `p${doc}`, target: `t${doc}` },
  };
}

export function codeDoc(doc: number): PreparedDoc {
  const code = { entry: 'add', prefix: 'OFFSET = 1\n', tests: 'assert add(1, 2) + OFFSET == 4' };
  return { ...preparedDoc(doc), code };
}

export function generation(
  given: Partial<Generation> & Pick<Generation, 'job' | 'doc' | 'docs'>,
  text: string | Generation['outcome'] = String(given.doc),
): Generation {
  const requests: BlobRef = `sha256:${'0'.repeat(64)}`;
  return {
    v: 1,
    task: 'a task/with:marks',
    repeat: 0,
    kind: 'score',
    server: 's',
    requests,
    index: given.doc,
    outcome:
      typeof text === 'string' ? { ok: true, type: 'text', response: { text, finishReason: 'stop' } } : text,
    usage: { promptTokens: 10, completionTokens: 3 },
    latencyMs: 5,
    ...given,
  };
}
