import type { Reason } from '@assay/lib/errors';
import type { SubmitJobRequest } from '@assay/proto/assay/v1/job';
import { goodTask } from './tasks.ts';
import type { World } from './world.ts';

/** A call that must be refused, why, and every field that must be named. */
export interface Refused {
  readonly title: string;
  readonly act: (world: World) => Promise<unknown>;
  readonly reason: Reason;
  readonly fields: readonly string[];
}

export type Task = SubmitJobRequest['tasks'][number];

export const NOWHERE = endpoint({});
export const T: Task = { name: 'T', genKwargsJson: '' };

export function endpoint(value: Partial<{ baseUrl: string; model: string; apiKey: string }>) {
  return {
    $case: 'endpoint' as const,
    value: { baseUrl: 'http://127.0.0.1:9/v1', model: 'scripted', apiKey: '', ...value },
  };
}

export function request(
  title: string,
  reason: Reason,
  fields: readonly string[],
  change: Partial<SubmitJobRequest>,
): Refused {
  const act = (world: World) => world.submit(goodTask(), { target: NOWHERE, tasks: [T], ...change });
  return { title, act, reason, fields };
}

export function selection(title: string, reason: Reason, field: string, change: Partial<Task>): Refused {
  return request(title, reason, [field], { tasks: [{ ...T, ...change }] });
}
