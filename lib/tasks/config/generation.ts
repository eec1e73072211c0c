import type { GenerationSettings } from '@assay/lib/domain';
import { Float, PyError, type PyDict, type PyValue, isInt, pyToFloat } from '../pylang/index.ts';
import type { Problems } from '../problem.ts';
import { placeText, toPython, type YamlMap } from '../yaml/node.ts';
import type { Fields } from './fields.ts';
import { fromPlain, toPlain } from './plain.ts';

const DEFAULT_MAX_TOKENS = 256;
const CHAT_STOPS = 4;
const SETTINGS = new Set(['until', 'max_tokens', 'max_gen_toks', 'temperature', 'do_sample']);

export interface Generation {
  readonly settings: GenerationSettings;
  /** `generation_kwargs` as lm-evaluation-harness completes and shows them. */
  readonly dump: PyDict | undefined;
}

/**
 * Reads `generation_kwargs` and merges the request's overrides over them. As lm-evaluation-harness' API models send
 * them: `do_sample` is dropped, `max_tokens` comes before `max_gen_toks`, 256 tokens and temperature 0 are the default,
 * chat takes the first four stops, and what is left is forwarded verbatim.
 */
export function readGeneration(
  fields: Fields,
  options: {
    readonly generates: boolean;
    readonly chat: boolean;
    readonly fewshotDelimiter: string;
    readonly overrides: Readonly<Record<string, unknown>> | undefined;
  },
): Generation {
  const { problems } = fields;
  const map = fields.map('generation_kwargs');
  const dump = completed(map, options.generates, options.fewshotDelimiter, problems);
  if (dump === undefined || !options.generates) return { settings: settingsOf(new Map(), () => {}), dump };
  for (const [key, value] of Object.entries(options.overrides ?? {})) {
    const known = fromPlain(value);
    if (known === undefined) problems.add('INVALID_REQUEST', 'gen_kwargs_json', `${key} is not a JSON value`);
    else dump.set(key, known);
  }
  const settings = settingsOf(dump, (key, wanted) => {
    const place = map?.entries.get(key)?.node.place;
    const own = options.overrides !== undefined && Object.hasOwn(options.overrides, key);
    if (own || place === undefined)
      problems.add('INVALID_REQUEST', 'gen_kwargs_json', `${key} must be ${wanted}`);
    else problems.add('TASK_INVALID', placeText(place), `generation_kwargs.${key} must be ${wanted}`);
  });
  const until = options.chat ? settings.until.slice(0, CHAT_STOPS) : settings.until;
  return { settings: { ...settings, until }, dump };
}

function completed(
  map: YamlMap | undefined,
  generates: boolean,
  fewshotDelimiter: string,
  problems: Problems,
): PyDict | undefined {
  if (map === undefined) {
    if (!generates) return undefined;
    return new Map<string, PyValue>([
      ['temperature', new Float(0)],
      ['do_sample', false],
      ['max_gen_toks', DEFAULT_MAX_TOKENS],
      ['until', [fewshotDelimiter]],
    ]);
  }
  const dump: PyDict = new Map();
  for (const [key, { node }] of map.entries) {
    const value = toPython(node);
    dump.set(key, key === 'temperature' ? asFloat(value, () => problems.invalid(node.place, NUMBER)) : value);
  }
  if (!dump.has('until')) dump.set('until', [fewshotDelimiter]);
  return dump;
}

const NUMBER = 'generation_kwargs.temperature must be a number';

function asFloat(value: PyValue, wrong: () => void): PyValue {
  try {
    return new Float(pyToFloat(value));
  } catch (error) {
    if (!(error instanceof PyError)) throw error;
    wrong();
    return new Float(0);
  }
}

function settingsOf(kwargs: PyDict, wrong: (key: string, wanted: string) => void): GenerationSettings {
  const until = stopsOf(kwargs.get('until') ?? null);
  if (until === undefined) wrong('until', 'a text that is not empty, or a list of such texts');
  const tokensKey = kwargs.has('max_tokens') ? 'max_tokens' : 'max_gen_toks';
  const maxTokens = kwargs.has(tokensKey) ? kwargs.get(tokensKey) : DEFAULT_MAX_TOKENS;
  const whole = typeof maxTokens === 'number' && maxTokens > 0;
  if (!whole) wrong(tokensKey, 'a whole number, 1 or more');
  const temperature = numberOf(kwargs.get('temperature') ?? 0);
  if (temperature === undefined || !(temperature >= 0)) wrong('temperature', 'a number, 0 or more');
  const extra = Array.from(kwargs).filter(([key]) => !SETTINGS.has(key));
  return {
    until: until ?? [],
    maxTokens: whole ? maxTokens : DEFAULT_MAX_TOKENS,
    temperature: temperature ?? 0,
    extra: Object.fromEntries(extra.map(([key, value]) => [key, toPlain(value)])),
  };
}

function stopsOf(value: PyValue): string[] | undefined {
  if (value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  const texts = items.filter((item) => typeof item === 'string' && item !== '');
  return texts.length === items.length ? texts.map(String) : undefined;
}

function numberOf(value: PyValue): number | undefined {
  if (value instanceof Float) return value.value;
  return isInt(value) ? Number(value) : undefined;
}
