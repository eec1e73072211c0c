import { EXECUTION_BOUNDS, type CodeScoring, type OutputType } from '@assay/lib/domain';
import type { Problems } from '../problem.ts';
import type { Place, YamlMap } from '../yaml/node.ts';
import { readField } from './doc-fields.ts';
import { Fields, smallInt } from './fields.ts';
import type { AssaySettings, CodeFields } from './task-config.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Limits of one execution when the task does not say: those of a HumanEval-sized problem. */
const DEFAULTS = { cpuSeconds: 6, wallSeconds: 20, memoryMib: 1024, outputKib: 1024 } as const;

/** Reads `metadata.assay`, where a task says what lm-evaluation-harness has no key for. */
export function readAssay(
  metadata: YamlMap | undefined,
  problems: Problems,
  task: { readonly outputType: OutputType; readonly repeats: number },
): AssaySettings {
  const outer = new Fields(metadata?.entries ?? new Map(), problems, 'metadata.');
  const map = outer.map('assay');
  const fields = new Fields(map?.entries ?? new Map(), problems, 'metadata.assay.');
  const api = choice(fields, 'api', ['completions', 'chat'] as const) ?? 'completions';
  const longPrompt =
    choice(fields, 'long_prompt', ['truncate', 'refuse'] as const) ??
    (api === 'chat' ? 'refuse' : 'truncate');
  if (api === 'chat' && longPrompt === 'truncate') {
    const why = 'only the server knows the tokens of a chat, so it cannot be cut; use refuse';
    problems.unsupported(fields.place('long_prompt') ?? TOP, why);
  }
  const multiturn = fields.flag('fewshot_as_multiturn') ?? true;
  const codeMap = fields.map('code');
  fields.finish();
  const code = codeMap === undefined ? undefined : readCode(codeMap, problems, task.repeats);
  if (task.outputType === 'multiple_choice') {
    const why = 'a multiple_choice task needs log-probabilities of its choices, which';
    if (api === 'chat')
      problems.invalid(fields.place('api') ?? TOP, `${why} the chat API does not give; use completions`);
    if (codeMap !== undefined)
      problems.invalid(codeMap.place, 'metadata.assay.code needs output_type: generate_until');
  }
  return { api, longPrompt, multiturn, ...(code === undefined ? {} : { code }) };
}

const TOP: Place = { file: '', line: 1, column: 1 };

function choice<T extends string>(fields: Fields, key: string, values: readonly T[]): T | undefined {
  return fields.scalar(key, values.join(' or '), (value) => values.find((known) => known === value));
}

function readCode(map: YamlMap, problems: Problems, repeats: number): CodeFields | undefined {
  const fields = Fields.of(map, problems, 'metadata.assay.code.');
  const entry = readField(fields, 'entry');
  const tests = readField(fields, 'tests');
  const prefix = readField(fields, 'prefix');
  const setup = readField(fields, 'setup');
  const scoring = readLimits(fields, repeats);
  for (const key of ['entry', 'tests']) {
    if (!fields.has(key)) problems.invalid(map.place, `metadata.assay.code.${key} is missing`);
  }
  fields.finish();
  if (entry === undefined || tests === undefined) return undefined;
  return {
    entry,
    tests,
    ...(prefix === undefined ? {} : { prefix }),
    ...(setup === undefined ? {} : { setup }),
    scoring,
  };
}

function readLimits(fields: Fields, repeats: number): CodeScoring {
  return {
    k: readKs(fields, repeats),
    cpuMs: limit(fields, 'cpuMs', 'cpu_seconds', 1000) ?? DEFAULTS.cpuSeconds * 1000,
    wallMs: limit(fields, 'wallMs', 'wall_seconds', 1000) ?? DEFAULTS.wallSeconds * 1000,
    memoryBytes: limit(fields, 'memoryBytes', 'memory_mib', MIB) ?? DEFAULTS.memoryMib * MIB,
    outputBytes: limit(fields, 'outputBytes', 'output_kib', KIB) ?? DEFAULTS.outputKib * KIB,
  };
}

/** A number of `unit` within the bounds of every execution. */
function limit(
  fields: Fields,
  name: keyof typeof EXECUTION_BOUNDS,
  key: string,
  unit: number,
): number | undefined {
  const { least, most } = EXECUTION_BOUNDS[name];
  return fields.scalar(key, `a number from ${least / unit} to ${most / unit}`, (value) => {
    const number =
      typeof value === 'number'
        ? value
        : value !== null && typeof value === 'object' && 'value' in value
          ? value.value
          : 0;
    const amount = Math.round(number * unit);
    return amount >= least && amount <= most ? amount : undefined;
  });
}

function readKs(fields: Fields, repeats: number): readonly number[] {
  const list = fields.list('k');
  if (list === undefined) return [1];
  const ks = list.items.map((item) => (item.kind === 'scalar' ? smallInt(item.value) : undefined));
  const good = ks.filter((k) => k !== undefined && k >= 1);
  if (good.length < ks.length || good.length === 0 || new Set(good).size < good.length) {
    fields.problems.invalid(
      list.place,
      'metadata.assay.code.k must be a list of different whole numbers, each 1 or more',
    );
    return [1];
  }
  const most = Math.max(...good.map(Number));
  if (most > repeats) {
    fields.problems.invalid(
      list.place,
      `pass@${most} needs ${most} answers for each document, but repeats is ${repeats}`,
    );
  }
  return good.map(Number);
}
