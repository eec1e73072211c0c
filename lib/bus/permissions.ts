import { BUNDLES, JOBS, LEADER, PROGRESS, SERVERS, STAGES, WORKERS } from './buckets.ts';
import { DURABLES } from './durables.ts';
import { KEYS_SUBJECT } from './endpoint-keys.ts';
import type { KvBucket } from './kv.ts';
import { inboxPrefixOf } from './login.ts';
import {
  BLOBS,
  BUCKETS,
  bucketStream,
  bucketSubject,
  partitionStreams,
  partitionSubjects,
} from './streams.ts';
import { token } from './subject.ts';

export const SERVICE_NAMES = ['scheduler', 'runner', 'sandbox', 'reporter'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The subjects a broker's user may publish to and subscribe to; every other one is refused. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer what it was asked, wherever the answer is wanted, once. */
  readonly answers: boolean;
}

/**
 * What one service needs of the broker for its partitions, and no more. `user` is the name it connects with: its
 * answers come below that user's inbox, where no other user may listen.
 */
export function permissionsOf(
  service: ServiceName,
  user: string,
  partitions: readonly string[],
): Permissions {
  const needed = [...everywhere(service), ...partitions.flatMap(NEEDS[service])];
  return {
    publish: [...new Set(needed)].toSorted(),
    subscribe: [`${inboxPrefixOf(user)}.>`, ...(service === 'scheduler' ? [KEYS_SUBJECT] : [])],
    answers: service === 'scheduler',
  };
}

function everywhere(service: ServiceName): readonly string[] {
  switch (service) {
    case 'scheduler':
      return [
        ...[...BUCKETS.map(bucketStream), BLOBS.stream].flatMap(own),
        ...BUCKETS.flatMap(watch),
        ...[JOBS, SERVERS, LEADER, PROGRESS, STAGES, BUNDLES].flatMap(write),
        ...readBlobs,
        ...writeBlobs,
        ...anyConsumer(BLOBS.stream),
      ];
    case 'runner':
      return [
        ...known,
        ...[JOBS, SERVERS].flatMap(watch),
        ...[STAGES, WORKERS].flatMap(write),
        ...blobs,
        KEYS_SUBJECT,
      ];
    case 'sandbox':
      return [...known, ...watch(JOBS), ...write(WORKERS), ...blobs];
    case 'reporter':
      return [...known, ...read(bucketStream(JOBS)), ...write(WORKERS), ...readBlobs];
  }
}

const NEEDS: Record<ServiceName, (partition: string) => readonly string[]> = {
  scheduler: (partition) => {
    const [streams, subjects] = [partitionStreams(partition), partitionSubjects(partition)];
    return [
      ...Object.values(streams).flatMap(own),
      ...[streams.generations, streams.scores].flatMap(anyConsumer),
      subjects.shards,
      subjects.work,
    ];
  },
  runner: (partition) => {
    const streams = partitionStreams(partition);
    return [
      ...Object.values(streams).map(info),
      ...take(streams.shards, DURABLES.shards),
      ...take(streams.work, DURABLES.prepare),
      ...take(streams.work, DURABLES.check),
      ...read(streams.generations),
      partitionSubjects(partition).generations,
    ];
  },
  sandbox: (partition) => {
    const streams = partitionStreams(partition);
    return [
      ...Object.values(streams).map(info),
      ...consume(streams.generations, DURABLES.generations('score', partition)),
      ...consume(streams.generations, DURABLES.generations('execute', partition)),
      ...take(streams.work, DURABLES.scoreItems(partition)),
      ...read(streams.generations),
      partitionSubjects(partition).scores,
    ];
  },
  reporter: (partition) => {
    const streams = partitionStreams(partition);
    return [
      ...Object.values(streams).map(info),
      ...consume(streams.scores, DURABLES.scores(partition)),
      ...read(streams.generations),
    ];
  },
};

function api(verb: string, target: string): string {
  return `$JS.API.${verb}.${target}`;
}

function info(stream: string): string {
  return api('STREAM.INFO', stream);
}

/** Made, changed and emptied; never deleted. */
function own(stream: string): readonly string[] {
  return ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.INFO', 'STREAM.PURGE'].map((verb) => api(verb, stream));
}

/** One message by its subject. */
function read(stream: string): readonly string[] {
  return [api('STREAM.MSG.GET', stream)];
}

/** Consumers with names that are made up: counters, and the readers of a watch. */
function anyConsumer(stream: string): readonly string[] {
  const verbs = ['CONSUMER.CREATE', 'CONSUMER.INFO', 'CONSUMER.MSG.NEXT', 'CONSUMER.DELETE'];
  return verbs.map((verb) => api(verb, `${stream}.*`));
}

function watch(bucket: KvBucket<unknown>): readonly string[] {
  return [...anyConsumer(bucketStream(bucket)), ...read(bucketStream(bucket))];
}

// A write whose answer was lost is looked for.
function write(bucket: KvBucket<unknown>): readonly string[] {
  return [bucketSubject(bucket), ...read(bucketStream(bucket))];
}

// Acknowledgements come with and without the broker's domain and account before the stream (NATS ADR-15).
function consume(stream: string, durable: string): readonly string[] {
  const consumer = `${stream}.${token(durable)}`;
  const pull = ['CONSUMER.CREATE', 'CONSUMER.MSG.NEXT'].map((verb) => api(verb, consumer));
  return [...pull, `$JS.ACK.${consumer}.>`, `$JS.ACK.*.*.${consumer}.>`];
}

/** An item whose acknowledgement the broker forgot is removed by its sequence. */
function take(stream: string, durable: string): readonly string[] {
  return [...consume(stream, durable), ...read(stream), api('STREAM.MSG.DELETE', stream)];
}

/** To see that the scheduler has prepared the broker. */
const known: readonly string[] = BUCKETS.map((bucket) => info(bucketStream(bucket)));

const readBlobs = [info(BLOBS.stream), ...read(BLOBS.stream)];
const writeBlobs = [`${BLOBS.chunks}.*`, `${BLOBS.infos}.*`];
const blobs = [...readBlobs, ...writeBlobs];
