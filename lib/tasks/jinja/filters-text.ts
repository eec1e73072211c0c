import { compilePythonRegex, PyError, type PyValue, type PythonRegex, Tuple } from '../pylang/index.ts';
import { formatPercent } from '../pylang/printf.ts';
import { capitalizeText, codePointLength, stripText } from '../pylang/text.ts';
import { type Callable, define, needInt, needText, optionalText } from './arguments.ts';
import { replaceText } from './methods-text.ts';
import { plain, text, type Value } from './value.ts';
import { typeName } from '../pylang/value.ts';

const REGEXES = new Map<string, PythonRegex>();
const REGEXES_KEPT = 256;
/** Filters that make a text. */
export const TEXT_FILTERS: readonly (readonly [string, Callable])[] = [
  ['string', define([], 0, text)],
  ['upper', define([], 0, (value: Value) => text(value).toUpperCase())],
  ['lower', define([], 0, (value: Value) => text(value).toLowerCase())],
  ['capitalize', define([], 0, (value: Value) => capitalizeText(text(value)))],
  ['title', define([], 0, (value: Value) => title(text(value)))],
  [
    'trim',
    define(['chars'], 0, (value: Value, chars) => stripText(text(value), optionalText(chars, 'chars'))),
  ],
  ['replace', define(['old', 'new', 'count'], 2, replace)],
  ['center', define(['width'], 0, center)],
  ['wordcount', define([], 0, (value: Value) => (text(value).match(/[\p{L}\p{N}_]+/gu) ?? []).length)],
  ['regex_replace', define(['pattern', 'repl', 'count'], 2, regexReplace)],
  ['format', (value, given) => formatPercent(text(value), formatArguments(given))],
];

function replace(value: Value, old: PyValue = '', by: PyValue = '', count?: PyValue): string {
  const times = count === undefined || count === null ? -1 : needInt(count, 'count');
  return replaceText(text(value), text(old), text(by), times);
}

// Words begin behind blanks, hyphens and opening brackets, as Jinja's own filter sees them; unlike str.title().
function title(value: string): string {
  return value
    .split(/([-\s({[<]+)/)
    .map((word) => {
      const [first = ''] = Array.from(word);
      return first.toUpperCase() + word.slice(first.length).toLowerCase();
    })
    .join('');
}

function center(value: Value, width: PyValue = 80): string {
  const self = text(value);
  const size = needInt(width, 'width');
  const missing = Math.max(0, size - codePointLength(self));
  // CPython puts the odd blank left when the width is odd.
  const left = Math.floor(missing / 2) + (missing & size & 1);
  return ' '.repeat(left) + self + ' '.repeat(missing - left);
}

function regexReplace(value: Value, pattern?: PyValue, repl?: PyValue, count?: PyValue): string {
  const subject = plain(value);
  if (typeof subject !== 'string') {
    throw new PyError('TypeError', `expected string or bytes-like object, got '${typeName(subject)}'`);
  }
  const times = count === undefined ? 0 : needInt(count, 'count');
  return regex(needText(pattern, 'pattern')).sub(needText(repl, 'repl'), subject, times);
}

function regex(pattern: string): PythonRegex {
  const known = REGEXES.get(pattern);
  if (known !== undefined) return known;
  const compiled = compilePythonRegex(pattern);
  if (REGEXES.size >= REGEXES_KEPT) REGEXES.clear();
  REGEXES.set(pattern, compiled);
  return compiled;
}

function formatArguments(given: Parameters<Callable>[1]): PyValue {
  if (given.named.size === 0) return new Tuple(given.positional.map(plain));
  if (given.positional.length === 0)
    return new Map(Array.from(given.named, ([name, value]) => [name, plain(value)]));
  throw new PyError('TypeError', "can't handle positional and keyword arguments at the same time");
}
