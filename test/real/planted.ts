import { compareTask, isChoice } from './compare.ts';
import { isObject, type Json, type Sample, type TaskOutput } from './output.ts';

type Plant = (output: TaskOutput) => TaskOutput;

const PLANTS: Readonly<Record<string, Plant>> = {
  task_hashes: (output) => inResults(output, 'task_hashes', () => 'f'.repeat(64)),
  prompt_hash: (output) => inSample(output, (sample) => ({ ...sample, prompt_hash: 'f'.repeat(64) })),
  'a log-probability by 2e-6': (output) =>
    inSample(output, (sample) => ({ ...sample, resps: moved(sample['resps'], 2e-6) })),
  'a metric of one sample': (output) =>
    inSample(output, (sample) => ({ ...sample, acc: 1 - Number(sample['acc']) })),
  'a sample that is missing': (output) => ({ ...output, samples: output.samples.slice(1) }),
  'a standard error by one part in a billion': (output) =>
    inResults(output, 'results', (scores) =>
      isObject(scores)
        ? { ...scores, 'acc_stderr,none': Number(scores['acc_stderr,none']) * (1 + 1e-9) }
        : scores,
    ),
};

/** Plants one difference after the other into `theirs`: the names of those that the comparison does not see. */
export function plantedMisses(ours: TaskOutput, theirs: TaskOutput): readonly string[] {
  const count = (output: TaskOutput) =>
    compareTask(ours, output).filter(({ differences }) => differences.length > 0).length;
  const before = count(theirs);
  return Object.entries(PLANTS)
    .filter(([, plant]) => count(plant(theirs)) <= before)
    .map(([name]) => `not seen: ${name}`);
}

function inResults(output: TaskOutput, field: string, change: (value: unknown) => unknown): TaskOutput {
  const byTask = output.results[field];
  if (!isObject(byTask)) return output;
  const changed: Json = { ...byTask, [output.task]: change(byTask[output.task]) };
  return { ...output, results: { ...output.results, [field]: changed } };
}

function inSample(output: TaskOutput, change: (sample: Sample) => Sample): TaskOutput {
  const [first, ...rest] = output.samples;
  return first === undefined ? output : { ...output, samples: [change(first), ...rest] };
}

/** The first log-probability in nested lists, moved. */
function moved(value: unknown, by: number): unknown {
  if (isChoice(value)) return [String(Number(value[0]) + by), value[1]];
  if (!Array.isArray(value)) return value;
  const [first, ...rest]: unknown[] = value;
  return [moved(first, by), ...rest];
}
