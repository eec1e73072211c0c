import { callStream } from '@assay/lib/rpc';
import type { Stack } from './stack.ts';

interface SampleLine {
  readonly doc_id: number;
  readonly filter: string;
}

const rowKey = (task: string, json: string) => {
  const { doc_id: doc, filter } = JSON.parse(json) as SampleLine;
  return `${task} ${String(doc)} ${filter}`;
};

/** What each line of the samples files is about. */
export function fileRows(report: ReadonlyMap<string, string>): string[] {
  return [...report]
    .filter(([name]) => name.startsWith('samples_'))
    .flatMap(([name, text]) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => rowKey(name, line)),
    );
}

/** The same of the lines that the reporter streams from its database. */
export async function streamedRows(stack: Stack, jobId: string): Promise<string[]> {
  const rows: string[] = [];
  const ask = { jobId, task: '', failedOnly: false, unscoredOnly: false };
  for await (const { task, json } of callStream(stack.results, 'streamSamples', ask, { deadlineMs: 60_000 }))
    rows.push(rowKey(task, json));
  return rows;
}

export function repeatsIn(rows: readonly string[]): number {
  return rows.length - new Set(rows).size;
}
