import { isTerminal, type JobRecord, type JobState } from '@assay/lib/domain';

const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  SUBMITTED: ['PREPARING'],
  PREPARING: ['QUEUED'],
  QUEUED: ['STARTING'],
  STARTING: ['RUNNING', 'QUEUED'],
  RUNNING: ['SCORING'],
  SCORING: ['AUDITING', 'RUNNING'],
  AUDITING: ['SUCCEEDED', 'RUNNING', 'SCORING'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
};

/** Whether the state machine has this edge. Every state that is not terminal can also fail or be cancelled. */
export function isEdge(from: JobState, to: JobState): boolean {
  if (isTerminal(from)) return false;
  return to === 'FAILED' || to === 'CANCELLED' || NEXT[from].includes(to);
}

export interface Edge {
  readonly to: JobState;
  readonly reason: string;
  readonly detail: string;
}

/** The record after an edge, with the edge kept in its history; throws when the machine has no such edge. */
export function take(record: JobRecord, edge: Edge, at: string, epoch: number): JobRecord {
  if (!isEdge(record.state, edge.to))
    throw new Error(`job ${record.id} cannot go from ${record.state} to ${edge.to}`);
  return {
    ...record,
    state: edge.to,
    reason: edge.reason,
    detail: edge.detail,
    epoch,
    transitions: [...record.transitions, { from: record.state, ...edge, at, epoch }],
  };
}
