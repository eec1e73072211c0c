import { bucketOf } from '@assay/lib/domain';
import type { GenerationKey, LedgerFilter, ScoreKey, SubjectParts } from './bus.ts';
import { token } from './subject.ts';

/** How the entries of one ledger are named. */
export interface LedgerSubjects<K> {
  of(key: K): string;
  filter(parts: LedgerFilter): string;
  parse(subject: string): SubjectParts | null;
}

export function generationSubjects(partition: string): LedgerSubjects<GenerationKey> {
  const root = `assay.${token(partition)}.generations`;
  return {
    of: (key) => `${root}.${token(key.kind)}.${place(key)}`,
    filter: (parts) => filter(root, parts.kind === undefined ? '*' : token(parts.kind), parts),
    parse: (subject) => {
      const [kind, rest] = split(root, subject);
      return kind === undefined || rest === null ? null : { kind, ...rest };
    },
  };
}

export function scoreSubjects(partition: string): LedgerSubjects<ScoreKey> {
  const root = `assay.${token(partition)}.scores`;
  return {
    of: (key) => `${root}.${String(key.epoch)}.${place(key)}`,
    filter: (parts) => filter(root, parts.epoch === undefined ? '*' : String(parts.epoch), parts),
    parse: (subject) => {
      const [first, rest] = split(root, subject);
      const epoch = count(first);
      return epoch === null || rest === null ? null : { epoch, ...rest };
    },
  };
}

function place(key: Omit<ScoreKey, 'epoch'>): string {
  return [token(key.job), token(key.task), bucketOf(key.doc), key.doc, key.repeat].join('.');
}

function filter(root: string, first: string, { job, task, bucket }: LedgerFilter): string {
  const parts = [
    first,
    job === undefined ? '*' : token(job),
    task === undefined ? '*' : token(task),
    bucket === undefined ? '*' : String(bucket),
  ];
  while (parts.at(-1) === '*') parts.pop();
  return [root, ...parts, '>'].join('.');
}

function split(
  root: string,
  subject: string,
): [string | undefined, Omit<SubjectParts, 'kind' | 'epoch'> | null] {
  if (!subject.startsWith(`${root}.`)) return [undefined, null];
  const parts = subject.slice(root.length + 1).split('.');
  const [first, job, task, ...numbers] = parts;
  const [bucket, doc] = [count(numbers[0]), count(numbers[1])];
  const repeat = numbers[2] === 'all' ? 'all' : count(numbers[2]);
  if (!job || !task || bucket === null || doc === null || repeat === null || parts.length !== 6) {
    return [first, null];
  }
  return [first, { job, task, bucket, doc, repeat }];
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
