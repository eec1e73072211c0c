import type { CheckWork, PrepareWork, ScoreWork, ShardWork } from '@assay/lib/domain';
import { purgeSubjects, subjectPage } from './api.ts';
import type { Queue, WorkItems } from './bus.ts';
import { decodeEntry, encodeEntry } from './entry.ts';
import type { Link } from './link.ts';
import { publish } from './publish.ts';
import { openPuller } from './puller.ts';
import { partitionStreams } from './streams.ts';
import { token } from './subject.ts';

/** `…shards.<job>.<task>.<n>` */
export function shardQueue(link: Link, partition: string): Queue<ShardWork> {
  const root = `assay.${token(partition)}.shards`;
  return queueOf(link, partitionStreams(partition).shards, root, (item: ShardWork) => [
    token(item.job),
    token(item.task),
    String(item.n),
  ]);
}

/** `…work.prepare.<job>.<task>`, `…work.check.<job>.<server>`, `…work.score.<job>.<task>.<epoch>.<doc>.<repeat>` */
export function workItems(link: Link, partition: string): WorkItems {
  const { work } = partitionStreams(partition);
  const root = `assay.${token(partition)}.work`;
  return {
    prepare: queueOf(link, work, `${root}.prepare`, (item: PrepareWork) => [
      token(item.job),
      token(item.task),
    ]),
    check: queueOf(link, work, `${root}.check`, (item: CheckWork) => [token(item.job), token(item.server)]),
    score: queueOf(link, work, `${root}.score`, (item: ScoreWork) => [
      token(item.job),
      token(item.task),
      ...[item.epoch, item.doc, item.repeat].map(String),
    ]),
  };
}

// `name` starts with job and task, where an item has one, so that both can be asked for.
function queueOf<T extends { readonly v: 1 }>(
  link: Link,
  stream: string,
  root: string,
  name: (item: T) => readonly string[],
): Queue<T> {
  return {
    publish: async (item) => {
      const subject = [root, ...name(item)].join('.');
      const sequence = await publish(link, subject, encodeEntry(item), { expected: 0, pace: PACE });
      return sequence === null ? 'exists' : 'stored';
    },
    outstanding: async (filter) => {
      const page = await subjectPage(link, stream, under(root, filter), BEYOND);
      return page.total;
    },
    purge: (filter) => purgeSubjects(link, stream, under(root, filter)),
    take: (options) =>
      openPuller(link, { stream, filter: `${root}.>`, decode: (bytes) => decodeEntry<T>(bytes) }, options),
  };
}

function under(root: string, filter: { readonly job?: string; readonly task?: string }): string {
  const { job, task } = filter;
  if (task !== undefined) return `${root}.${job === undefined ? '*' : token(job)}.${token(task)}.>`;
  return job === undefined ? `${root}.>` : `${root}.${token(job)}.>`;
}

const PACE = { timeoutMs: 5_000, budgetMs: 20_000 };
// Past every page: the broker then counts the subjects and lists none.
const BEYOND = 2 ** 31 - 1;
