import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended } from './assay-process.ts';
import { mixedTasks } from './mixed-tasks.ts';

type Assay = (...args: readonly string[]) => Promise<Ended>;

export interface MixedJob {
  readonly id: string;
  readonly samples: number;
  readonly scores: number;
}

const mixed = mixedTasks({ generate: 900, choices: 400, code: 150, repeated: 150 });

/** Submits every kind of task on the scripted model's pod, as a user does. */
export async function submitMixed(assay: Assay, request: string): Promise<MixedJob> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-mixed-'));
  try {
    for (const [name, text] of Object.entries(mixed.files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const what = ['--model', 'scripted', '--device', 'cpu', '--tasks', mixed.tasks.join(',')];
    const how = ['--tasks-dir', folder, '--request-id', request, '--no-watch', '--json'];
    const { code, out, err } = await assay('submit', ...what, ...how);
    if (code !== 0) throw new Error(`submit: ${err}`);
    const { id } = JSON.parse(out) as { readonly id: string };
    return { id, samples: mixed.samples, scores: mixed.scores };
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Told {
  readonly tasks?: readonly { readonly generated?: string; readonly scored?: string }[];
}

/** Generations and scores that a job has; asked again while nobody answers. */
export async function jobProgress(assay: Assay, id: string): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { code, out, err } = await assay('job', id, '--json');
    if (code === 0) {
      const { tasks = [] } = JSON.parse(out) as Told;
      return tasks.reduce(
        (sum, { generated = 0, scored = 0 }) => sum + Number(generated) + Number(scored),
        0,
      );
    }
    if (tries === 60) throw new Error(`job ${id}: ${err}`);
    await sleep(500);
  }
}

/** All samples of a job, without what may differ, and how many of them there are more than once. */
export async function rowsOf(
  assay: Assay,
  { id }: MixedJob,
): Promise<{ readonly rows: readonly string[]; readonly duplicates: number }> {
  const { code, out, err } = await assay('samples', id, '--json');
  if (code !== 0) throw new Error(`samples of ${id}: ${String(code)} ${err}${out.slice(-1_000)}`);
  const rows = out.split('\n').filter((line) => line !== '');
  const keys = rows.map((row) => {
    const line = JSON.parse(row) as { readonly doc_hash: string; readonly filter: string };
    return `${line.doc_hash} ${line.filter}`;
  });
  return {
    rows: rows.map((row) => row.replaceAll(id, '(job)')),
    duplicates: keys.length - new Set(keys).size,
  };
}
