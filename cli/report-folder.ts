import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { callStream } from '@assay/lib/rpc';
import type { Result } from '@assay/proto/assay/v1/result';
import type { Clients } from './clients.ts';

/** Writes report.md, results.json and samples_<task>.jsonl, as lm-evaluation-harness names them; gives their paths. */
export async function writeReport(
  clients: Clients,
  result: Result,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const report = path.join(folder, 'report.md');
  const results = path.join(folder, 'results.json');
  await writeFile(report, result.reportMarkdown);
  await writeFile(results, result.resultsJson);
  const files = [report, results];
  for (const { task } of result.tasks) {
    const file = path.join(folder, `samples_${fileName(task)}.jsonl`);
    await pipeline(rowsOf(clients, result.jobId, task, signal), createWriteStream(file));
    files.push(file);
  }
  return files;
}

// A name that has to change keeps apart from others by its hash.
function fileName(task: string): string {
  const safe = task.replaceAll(/[^\w.-]/g, '_').slice(0, 120);
  if (safe === task) return task;
  return `${safe}-${createHash('sha256').update(task).digest('hex').slice(0, 8)}`;
}

async function* rowsOf(
  clients: Clients,
  jobId: string,
  task: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const request = { jobId, task, failedOnly: false, unscoredOnly: false };
  const rows = callStream(clients.results, 'streamSamples', request, { signal });
  for await (const { json } of rows) yield `${json.trimEnd()}\n`;
}
