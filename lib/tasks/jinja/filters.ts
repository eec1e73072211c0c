import { PyError, type PyValue, pyTruthy } from '../pylang/index.ts';
import type { Callable, Given } from './arguments.ts';
import { needText } from './arguments.ts';
import { NUMBER_FILTERS } from './filters-number.ts';
import { attributeGetter, SEQUENCE_FILTERS } from './filters-sequence.ts';
import { TEXT_FILTERS } from './filters-text.ts';
import { selectItems, TESTS } from './tests.ts';
import { iterate, Lazy, plain, truthy, type Value } from './value.ts';

/** Filters of Jinja that this engine does not have. */
export const UNSUPPORTED_FILTERS: ReadonlySet<string> = new Set([
  'attr',
  'e',
  'escape',
  'filesizeformat',
  'forceescape',
  'groupby',
  'indent',
  'pprint',
  'random',
  'safe',
  'slice',
  'striptags',
  'tojson',
  'truncate',
  'urlencode',
  'urlize',
  'wordwrap',
  'xmlattr',
]);

/** The filters behind `|`, by name: Jinja's, and lm-evaluation-harness' `regex_replace`. */
export const FILTERS: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...SEQUENCE_FILTERS,
  ['map', (value, given) => new Lazy('generator', truthy(value) ? mapped(value, given) : [])],
  ['select', (value, given) => selectItems(value, testing(given.positional, given), true)],
  ['reject', (value, given) => selectItems(value, testing(given.positional, given), false)],
  ['selectattr', (value, given) => selectItems(value, attributeTesting(given), true)],
  ['rejectattr', (value, given) => selectItems(value, attributeTesting(given), false)],
]);

function mapped(value: Value, given: Given): PyValue[] {
  return iterate(value).map(mapping(given)).map(plain);
}

function mapping(given: Given): (item: PyValue) => Value {
  const [first, ...positional] = given.positional;
  if (first === undefined) {
    const attribute = given.named.get('attribute');
    if (attribute === undefined) throw new PyError('TypeError', 'map requires a filter argument');
    const fallback = given.named.get('default');
    return attributeGetter(plain(attribute), fallback === undefined ? undefined : plain(fallback));
  }
  const name = needText(plain(first), 'the name of a filter');
  const filter = FILTERS.get(name);
  if (filter === undefined) {
    if (UNSUPPORTED_FILTERS.has(name)) throw new PyError('Unsupported', `the filter '${name}'`);
    throw new PyError('ValueError', `No filter named '${name}'.`);
  }
  return (item) => filter(item, { positional, named: given.named });
}

function testing(args: readonly Value[], given: Given): (item: PyValue) => boolean {
  const [first, ...positional] = args;
  if (first === undefined) return pyTruthy;
  const name = needText(plain(first), 'the name of a test');
  const test = TESTS.get(name);
  if (test === undefined) throw new PyError('ValueError', `No test named '${name}'.`);
  return (item) => test(item, { positional, named: given.named });
}

function attributeTesting(given: Given): (item: PyValue) => boolean {
  const [attribute, ...args] = given.positional;
  if (attribute === undefined) throw new PyError('TypeError', 'Missing parameter for attribute name');
  const get = attributeGetter(plain(attribute));
  const test = testing(args, given);
  return (item) => test(get(item));
}
