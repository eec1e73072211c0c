import { token, WORKERS, type Kv } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { CheckValue, JobProgress, PrepareValue, StageAnswer, WorkerRecord } from '@assay/lib/domain';
import type { Answers, Progress, Workers } from '../ports.ts';
import type { Mirror } from './mirror.ts';

type Answer = StageAnswer<PrepareValue | CheckValue>;

/** Stage answers: `<job>.prepare.<task token>` and `<job>.check`. */
export function kvAnswers(kv: Kv<Answer>, answers: Mirror<Answer>): Answers {
  return {
    prepared(job, task) {
      const answer = answers.get(`${job}.prepare.${token(task)}`);
      if (answer === undefined || !answer.ok) return answer;
      return 'plan' in answer.value ? { ...answer, value: answer.value } : undefined;
    },
    checked(job) {
      const answer = answers.get(`${job}.check`);
      if (answer === undefined || !answer.ok) return answer;
      return 'tokenIds' in answer.value ? { ...answer, value: answer.value } : undefined;
    },
    *names() {
      const seen = new Set<string>();
      for (const key of answers.keys()) seen.add(key.slice(0, key.indexOf('.')));
      yield* seen;
    },
    async forget(job) {
      const keys = [...answers.keys()].filter((key) => key.startsWith(`${job}.`));
      await Promise.all(keys.map((key) => kv.delete(key)));
    },
  };
}

export function kvProgress(kv: Kv<JobProgress>, progress: Mirror<JobProgress>): Progress {
  return {
    get: (id) => progress.get(id),
    async put(id, value) {
      progress.note(id, value, await kv.put(id, value));
    },
    delete: (id) => kv.delete(id),
    onChange: (listener) => progress.onChange(listener),
  };
}

/** A worker that has not been heard of for as long as its bucket keeps values is gone. */
export function kvWorkers(workers: Mirror<WorkerRecord>, clock: Clock): Workers {
  const lifeMs = WORKERS.ttlMs ?? 0;
  return {
    *all() {
      for (const worker of workers.values())
        if (clock.now() - Date.parse(worker.updatedAt) < lifeMs) yield worker;
    },
  };
}
