import { PyError, type PyValue, pyRepr, Tuple } from '../pylang/index.ts';
import { pySlice } from '../pylang/sequence.ts';
import {
  capitalizeText,
  codePointLength,
  isDecimalText,
  isDigitText,
  lstripText,
  rstripText,
  splitWhitespace,
  stripText,
} from '../pylang/text.ts';
import { type Callable, define, needInt, needText, optionalText } from './arguments.ts';
import { formatText } from './format.ts';
import { iterate, type Value } from './value.ts';
import { typeName } from '../pylang/value.ts';

type Method = Callable<string, Value>;

// oxlint-disable-next-line no-control-regex -- Python's str.splitlines() breaks at these
const LINES = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

const WITHOUT_ARGUMENTS: readonly [string, (self: string) => PyValue][] = [
  ['upper', (self) => self.toUpperCase()],
  ['lower', (self) => self.toLowerCase()],
  ['casefold', (self) => self.toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')],
  ['capitalize', (self) => capitalizeText(self)],
  ['title', (self) => title(self)],
  ['isdigit', (self) => isDigitText(self)],
  ['isdecimal', (self) => isDecimalText(self)],
  ['isnumeric', (self) => /^\p{N}+$/u.test(self)],
  ['isalpha', (self) => /^\p{L}+$/u.test(self)],
  ['isalnum', (self) => /^[\p{L}\p{N}]+$/u.test(self)],
  ['isspace', (self) => self !== '' && stripText(self) === ''],
  ['isupper', (self) => /\p{Lu}/u.test(self) && !/[\p{Ll}\p{Lt}]/u.test(self)],
  ['islower', (self) => /\p{Ll}/u.test(self) && !/[\p{Lu}\p{Lt}]/u.test(self)],
];

/** The methods of `str` that templates may call. */
export const TEXT_METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['strip', define(['chars'], 0, (self, chars) => stripText(self, optionalText(chars, 'strip arg')))],
  ['lstrip', define(['chars'], 0, (self, chars) => lstripText(self, optionalText(chars, 'lstrip arg')))],
  ['rstrip', define(['chars'], 0, (self, chars) => rstripText(self, optionalText(chars, 'rstrip arg')))],
  ['split', define(['sep', 'maxsplit'], 0, (self, by, max) => split(self, by, max, 'left'))],
  ['rsplit', define(['sep', 'maxsplit'], 0, (self, by, max) => split(self, by, max, 'right'))],
  ['splitlines', define(['keepends'], 0, (self, keep) => splitLines(self, keep))],
  ['partition', define(['sep'], 1, (self, by) => partition(self, needText(by, 'sep'), 'left'))],
  ['rpartition', define(['sep'], 1, (self, by) => partition(self, needText(by, 'sep'), 'right'))],
  ['replace', define(['old', 'new', 'count'], 2, replace)],
  ['join', define(['iterable'], 1, (self, items) => join(self, items ?? null))],
  ['startswith', define(['prefix'], 1, (self, affix) => affixed(affix, (one) => self.startsWith(one)))],
  ['endswith', define(['suffix'], 1, (self, affix) => affixed(affix, (one) => self.endsWith(one)))],
  ['removeprefix', define(['prefix'], 1, (self, affix) => removeAffix(self, affix, 'prefix'))],
  ['removesuffix', define(['suffix'], 1, (self, affix) => removeAffix(self, affix, 'suffix'))],
  ['find', define(['sub', 'start', 'end'], 1, (self, ...args) => find(self, args, 'first'))],
  ['rfind', define(['sub', 'start', 'end'], 1, (self, ...args) => find(self, args, 'last'))],
  ['index', define(['sub', 'start', 'end'], 1, (self, ...args) => found(find(self, args, 'first')))],
  ['rindex', define(['sub', 'start', 'end'], 1, (self, ...args) => found(find(self, args, 'last')))],
  ['count', define(['sub'], 1, (self, sub) => count(self, needText(sub, 'sub')))],
  ['zfill', define(['width'], 1, (self, width) => zeroFill(self, needInt(width, 'width')))],
  ['ljust', define(['width', 'fillchar'], 1, (self, width, fill) => self + padding(self, width, fill))],
  ['rjust', define(['width', 'fillchar'], 1, (self, width, fill) => padding(self, width, fill) + self)],
  ['format', formatText],
  ...WITHOUT_ARGUMENTS.map(([name, apply]): [string, Method] => [name, define([], 0, apply)]),
]);

/** `str.replace`; a count below zero replaces all. */
export function replaceText(self: string, old: string, by: string, limit = -1): string {
  if (limit < 0) return old === '' ? by + spread(self, by) : self.split(old).join(by);
  const points = old === '' ? ['', ...Array.from(self)] : self.split(old);
  const kept = points.slice(0, limit + 1);
  const rest = points.slice(limit + 1).join(old);
  if (old !== '') return kept.join(by) + (points.length > limit + 1 ? old + rest : '');
  return limit === 0
    ? self
    : by +
        kept.slice(1).join(by) +
        (kept.length === points.length && limit >= points.length ? by : '') +
        rest;
}

function spread(self: string, by: string): string {
  return Array.from(self, (point) => point + by).join('');
}

function replace(self: string, old?: PyValue, by?: PyValue, limit?: PyValue): string {
  const times = limit === undefined ? -1 : needInt(limit, 'count');
  return replaceText(
    self,
    needText(old, 'replace() argument 1'),
    needText(by, 'replace() argument 2'),
    times,
  );
}

function split(
  self: string,
  by: PyValue | undefined,
  max: PyValue | undefined,
  side: 'left' | 'right',
): PyValue {
  const limit = max === undefined ? -1 : needInt(max, 'maxsplit');
  if (by === undefined || by === null) {
    if (side === 'left' || limit < 0) return splitWhitespace(self, limit);
    return splitWhitespace(reverse(self), limit).map(reverse).toReversed();
  }
  const separator = needText(by, 'sep');
  if (separator === '') throw new PyError('ValueError', 'empty separator');
  const parts = self.split(separator);
  if (limit < 0 || parts.length <= limit + 1) return parts;
  if (side === 'left') return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
  // `a` splits `aaa` from the right differently only in where the remainder stands, not in its text.
  const cut = parts.length - limit;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

function reverse(text: string): string {
  return Array.from(text).toReversed().join('');
}

function splitLines(self: string, keep: PyValue | undefined): PyValue {
  const lines: PyValue[] = [];
  let rest = self;
  for (let end = LINES.exec(rest); end !== null; end = LINES.exec(rest)) {
    const after = end.index + end[0].length;
    lines.push(rest.slice(0, keep === true || keep === 1 ? after : end.index));
    rest = rest.slice(after);
  }
  return rest === '' ? lines : [...lines, rest];
}

function partition(self: string, by: string, side: 'left' | 'right'): PyValue {
  if (by === '') throw new PyError('ValueError', 'empty separator');
  const at = side === 'left' ? self.indexOf(by) : self.lastIndexOf(by);
  if (at === -1) return new Tuple(side === 'left' ? [self, '', ''] : ['', '', self]);
  return new Tuple([self.slice(0, at), by, self.slice(at + by.length)]);
}

function join(self: string, items: PyValue): string {
  const texts = iterate(items).map((item, index) => {
    if (typeof item === 'string') return item;
    throw new PyError('TypeError', `sequence item ${index}: expected str instance, ${typeName(item)} found`);
  });
  return texts.join(self);
}

function affixed(affix: PyValue | undefined, test: (one: string) => boolean): boolean {
  if (affix instanceof Tuple) return affix.items.some((one) => test(needText(one, 'tuple item')));
  return test(needText(affix, 'first arg'));
}

function removeAffix(self: string, affix: PyValue | undefined, which: 'prefix' | 'suffix'): string {
  const one = needText(affix, `remove${which}() argument`);
  if (one === '') return self;
  if (which === 'prefix') return self.startsWith(one) ? self.slice(one.length) : self;
  return self.endsWith(one) ? self.slice(0, -one.length) : self;
}

// Offsets are code points.
function find(self: string, args: readonly (PyValue | undefined)[], which: 'first' | 'last'): number {
  const [sub, start = null, end = null] = args;
  const inside = pySlice(self, { start, stop: end, step: null });
  if (typeof inside !== 'string') return -1;
  const at =
    which === 'first' ? inside.indexOf(needText(sub, 'sub')) : inside.lastIndexOf(needText(sub, 'sub'));
  if (at === -1) return -1;
  const size = codePointLength(self);
  const from = start === null ? 0 : needInt(start, 'start');
  if (from > size) return -1;
  return codePointLength(inside.slice(0, at)) + (from < 0 ? Math.max(0, from + size) : from);
}

function found(at: number): number {
  if (at === -1) throw new PyError('ValueError', 'substring not found');
  return at;
}

function count(self: string, sub: string): number {
  return sub === '' ? codePointLength(self) + 1 : self.split(sub).length - 1;
}

function zeroFill(self: string, width: number): string {
  const sign = /^[+-]/.test(self) ? 1 : 0;
  return self.slice(0, sign) + '0'.repeat(Math.max(0, width - codePointLength(self))) + self.slice(sign);
}

function padding(self: string, width: PyValue | undefined, fill: PyValue | undefined): string {
  const character = fill === undefined ? ' ' : needText(fill, 'fillchar');
  if (codePointLength(character) !== 1) {
    throw new PyError(
      'TypeError',
      `The fill character must be exactly one character long, not ${pyRepr(character)}`,
    );
  }
  return character.repeat(Math.max(0, needInt(width, 'width') - codePointLength(self)));
}

// A letter behind one that has no case begins a word.
function title(self: string): string {
  return self.replace(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, (word) => capitalizeText(word));
}
