import type { Kind } from '@assay/lib/domain';

/** The names of the durable consumers by which workers of one kind share their work. */
export const DURABLES = {
  shards: 'runners',
  prepare: 'prepare',
  check: 'check',
  generations: (kind: Kind, partition: string): string => `${kind}-${partition}`,
  scoreItems: (partition: string): string => `score-items-${partition}`,
  scores: (partition: string): string => `aggregate-${partition}`,
} as const;
