import type { Blob } from '@assay/lib/blob';
import type { Clock } from '@assay/lib/clock';
import {
  countsOf,
  type PrepareValue,
  type PrepareWork,
  type ShardDocs,
  type ShardRef,
  type ShardRequests,
  type TaskPlan,
} from '@assay/lib/domain';
import { openTask, type OpenTask } from '@assay/lib/tasks';
import { bundleFiles } from './bundle-files.ts';
import { NeedsTally } from './needs.ts';
import { cutShards, type Cut } from './windows.ts';

export interface PreparePorts {
  readonly blob: Blob;
  readonly clock: Clock;
}

const PUTS_AT_ONCE = 4;
const SLICE_MS = 20;

/**
 * Renders one task: its shards and its plan as blobs. The same work gives the same blobs, whoever does it and how
 * often. Throws AssayError with every violation of a task that is wrong.
 */
export async function prepareTask(
  work: PrepareWork,
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<PrepareValue> {
  const files = await bundleFiles(ports.blob, work.bundle);
  const { task: name, limit, numFewshot, genKwargs } = work;
  const selection = {
    name,
    ...(limit !== undefined && { limit }),
    ...(numFewshot !== undefined && { numFewshot }),
    ...(genKwargs !== undefined && { genKwargs }),
  };
  const task = await openTask(files, selection, work.seed);
  const tally = new NeedsTally(task.header.scoring);
  const shards = await putShards(task, tally, ports, signal);
  const plan: TaskPlan = { v: 1, ...task.header, shards, needs: tally.needs(task.api) };
  const { samples, scores } = countsOf(plan);
  const { ledgerBytes, logprobs, api } = plan.needs;
  const ref = await ports.blob.put(encode(plan));
  return { plan: ref, samples, scores, shards: shards.length, ledgerBytes, needsLogprobs: logprobs, api };
}

async function putShards(
  task: OpenTask,
  tally: NeedsTally,
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<readonly ShardRef[]> {
  const shards: ShardRef[] = [];
  let putting: Promise<ShardRef>[] = [];
  const flush = async () => {
    shards.push(...(await Promise.all(putting)));
    putting = [];
  };
  let n = 0;
  for await (const cut of cutShards(counted(task, tally, ports.clock, signal), task.header)) {
    const put = putShard(task, cut, n, ports.blob);
    // Heard at the flush; until then it must not count as unheard.
    put.catch(() => undefined);
    putting.push(put);
    n += 1;
    if (putting.length >= PUTS_AT_ONCE) await flush();
  }
  await flush();
  return shards;
}

// Rendering is all computation: now and then the requests of other jobs get their turn.
async function* counted(task: OpenTask, tally: NeedsTally, clock: Clock, signal: AbortSignal) {
  let sinceMs = clock.monotonic();
  for await (const item of task.items()) {
    tally.add(item.request);
    yield item;
    if (clock.monotonic() - sinceMs < SLICE_MS) continue;
    await clock.sleep(0, signal);
    sinceMs = clock.monotonic();
  }
}

async function putShard(task: OpenTask, cut: Cut, n: number, blob: Blob): Promise<ShardRef> {
  const { task: name, scoring } = task.header;
  const requests: ShardRequests = {
    v: 1,
    task: name,
    requests: cut.units.map(({ doc, repeats, request }) => ({ doc: doc.doc, repeats, request })),
    longPrompt: task.longPrompt,
  };
  const docs: ShardDocs = { v: 1, task: name, scoring, docs: cut.units.map(({ doc }) => doc) };
  const [requestsRef, docsRef] = await Promise.all([blob.put(encode(requests)), blob.put(encode(docs))]);
  return { n, bucket: cut.bucket, requests: requestsRef, docs: docsRef, samples: cut.samples };
}

function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
