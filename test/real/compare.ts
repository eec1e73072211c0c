import { isDeepStrictEqual } from 'node:util';
import { isObject, ofTask, type Json, type Sample, type TaskOutput } from './output.ts';

/** Log-probabilities may differ by this much: the two sum the same numbers in another order of reading them. */
const LOGPROB_TOLERANCE = 1e-6;
/** CPython 3.12 and later compensate `sum`, which can change a mean's last bits. */
const LAST_BITS = 4 * Number.EPSILON;

/** One thing that was compared; equal when it has no differences. */
export interface Comparison {
  readonly what: string;
  readonly differences: readonly string[];
}

/** Everything that two runs of one task must agree on. */
export function compareTask(ours: TaskOutput, theirs: TaskOutput): readonly Comparison[] {
  const { task } = ours;
  const pairs = pairsOf(ours.samples, theirs.samples);
  const lines = theirs.samples.length;
  const each = (field: string, same: Same = isDeepStrictEqual): Comparison =>
    compareField(`${task} ${field}`, field, pairs, same);
  return [
    whole(`${task} task_hashes ${short(ofTask(ours, 'task_hashes'))}`, ours, theirs, 'task_hashes'),
    {
      what: `${task} order of ${lines} sample lines`,
      differences: listDifferences(ours.samples.map(keyOf), theirs.samples.map(keyOf)),
    },
    ...['doc_hash', 'prompt_hash', 'target_hash', 'doc', 'target', 'arguments'].map((field) => each(field)),
    each('resps', sameResponses),
    each('filtered_resps', sameResponses),
    each('metrics'),
    ...metricNames(theirs.samples).map((metric) => each(metric)),
    ...['versions', 'n-shot', 'n-samples', 'higher_is_better'].map((field) =>
      whole(`${task} ${field} ${JSON.stringify(ofTask(ours, field))}`, ours, theirs, field),
    ),
    ...compareScores(ours, theirs),
  ];
}

type Same = (ours: unknown, theirs: unknown) => boolean;
type Pair = readonly [key: string, ours: Sample | undefined, theirs: Sample | undefined];

function keyOf(sample: Sample): string {
  return `document ${sample.doc_id}, ${sample.filter}`;
}

function pairsOf(ours: readonly Sample[], theirs: readonly Sample[]): readonly Pair[] {
  const left = new Map(ours.map((sample) => [keyOf(sample), sample]));
  const right = new Map(theirs.map((sample) => [keyOf(sample), sample]));
  return [...new Set([...left.keys(), ...right.keys()])].map((key) => [key, left.get(key), right.get(key)]);
}

function compareField(what: string, field: string, pairs: readonly Pair[], same: Same): Comparison {
  const differences = pairs
    .filter(([, ours, theirs]) => !ours || !theirs || !same(ours[field], theirs[field]))
    .map(([key, ours, theirs]) => `${key}: ${show(ours?.[field])} against ${show(theirs?.[field])}`);
  return { what: `${what} ${pairs.length - differences.length}/${pairs.length}`, differences };
}

/** Texts are the same text. A log-probability is its number, within the tolerance, with the same `is_greedy`. */
function sameResponses(ours: unknown, theirs: unknown): boolean {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return false;
    if (!isChoice(ours)) return ours.every((one, i) => sameResponses(one, theirs[i]));
    return (
      isChoice(theirs) &&
      ours[1] === theirs[1] &&
      Math.abs(Number(ours[0]) - Number(theirs[0])) <= LOGPROB_TOLERANCE
    );
  }
  return ours === theirs;
}

/** `["-3.25", "False"]`: a log-probability and whether it was the likeliest, as text. */
export function isChoice(value: unknown): value is readonly [string, 'True' | 'False'] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [number, greedy]: unknown[] = value;
  return typeof number === 'string' && number !== '' && (greedy === 'True' || greedy === 'False');
}

/** The largest difference between two log-probabilities, and how many there are. */
export function logprobDistance(ours: TaskOutput, theirs: TaskOutput): { count: number; most: number } {
  const numbers = ({ samples }: TaskOutput) => {
    const sorted = samples.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return sorted.flatMap((sample) => choicesIn(sample['resps'])).map(([number]) => Number(number));
  };
  const [left, right] = [numbers(ours), numbers(theirs)];
  const distances = left.map((number, i) => Math.abs(number - (right[i] ?? NaN)));
  return { count: left.length, most: distances.reduce((most, one) => Math.max(most, one), 0) };
}

function choicesIn(value: unknown): readonly (readonly [string, string])[] {
  if (isChoice(value)) return [value];
  return Array.isArray(value) ? value.flatMap(choicesIn) : [];
}

function whole(what: string, ours: TaskOutput, theirs: TaskOutput, field: string): Comparison {
  const [left, right] = [ofTask(ours, field), ofTask(theirs, field)];
  const same = left !== undefined && isDeepStrictEqual(left, right);
  return { what, differences: same ? [] : [`${show(left)} against ${show(right)}`] };
}

/** One comparison for each score, with its standard error; and one that neither side has a score more. */
function compareScores(ours: TaskOutput, theirs: TaskOutput): readonly Comparison[] {
  const [left, right] = [scoresOf(ours), scoresOf(theirs)];
  const names = Object.keys(right).filter((key) => !key.includes('_stderr,') && key.includes(','));
  const scores = names.map((name) => {
    const [metric = '', filter = ''] = name.split(',');
    const stderr = `${metric}_stderr,${filter}`;
    const differences = [name, stderr]
      .filter((key) => !sameNumber(left[key], right[key]))
      .map((key) => `${key}: ${show(left[key])} against ${show(right[key])}`);
    const shown = `${fixed(left[name])} ± ${fixed(left[stderr])}`;
    return { what: `${ours.task}/${filter} ${metric} ${shown}`, differences };
  });
  const others = { what: `${ours.task} names of all results`, differences: keyDifferences(left, right) };
  return [...scores, others];
}

function scoresOf(output: TaskOutput): Json {
  const scores = ofTask(output, 'results');
  return isObject(scores) ? scores : {};
}

function sameNumber(ours: unknown, theirs: unknown): boolean {
  if (typeof ours !== 'number' || typeof theirs !== 'number') return ours !== undefined && ours === theirs;
  return Math.abs(ours - theirs) <= LAST_BITS * Math.abs(theirs);
}

function keyDifferences(ours: Json, theirs: Json): readonly string[] {
  const [left, right] = [Object.keys(ours), Object.keys(theirs)];
  return [
    ...left.filter((key) => !right.includes(key)).map((key) => `only ours: ${key}`),
    ...right.filter((key) => !left.includes(key)).map((key) => `only theirs: ${key}`),
  ];
}

function listDifferences(ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const length = Math.max(ours.length, theirs.length);
  return Array.from({ length }, (_, i) => i)
    .filter((i) => ours[i] !== theirs[i])
    .map((i) => `line ${i + 1}: ${ours[i] ?? 'none'} against ${theirs[i] ?? 'none'}`);
}

function metricNames(samples: readonly Sample[]): readonly string[] {
  const names = samples.flatMap((sample) => (Array.isArray(sample['metrics']) ? sample['metrics'] : []));
  return [...new Set(names.map(String))];
}

function fixed(value: unknown): string {
  return typeof value === 'number' ? value.toFixed(4) : String(value);
}

function short(hash: unknown): string {
  return typeof hash === 'string' ? `${hash.slice(0, 12)}…` : 'missing';
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
