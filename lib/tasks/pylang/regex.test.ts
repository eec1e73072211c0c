import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePythonRegex, type Match, PyError, type RegexFlags } from './index.ts';

// Written by CPython 3.11. m: start, end and groups of each match; a: findall; s: sub('<\g<0>>'); x: split.
interface Found {
  p: string;
  f: string;
  t: string;
  m: unknown[];
  a: unknown[];
  s: string;
  x: unknown[];
  full: boolean;
  match: number | null;
}
interface Refused {
  p: string;
  f: string;
  error: string;
  pos?: number | null;
}
const rows = read<Found | Refused>('regex.vectors.json');
const replacements =
  read<[pattern: string, replacement: string, text: string, result: string | null]>('replace.vectors.json');
// Python takes these; here they are a clear refusal.
const UNSUPPORTED = new Set(['a*+', '(?>a)', '(?:(a)|b)*', '(a*)*', '(?:(a)|b)\\1', '(a)?\\1']);

describe('regular expressions as CPython runs them', () => {
  it.each(rows.filter(isFound).filter(({ p }) => !UNSUPPORTED.has(p)))('$p on $t', (row) => {
    const regex = compilePythonRegex(row.p, flags(row.f));
    const matches = Array.from(regex.matches(row.t), spanAndGroups);
    expect(matches).toEqual(row.m);
    expect(regex.findAll(row.t)).toEqual(row.a);
    expect(regex.sub('<\\g<0>>', row.t)).toBe(row.s);
    expect(regex.split(row.t)).toEqual(row.x);
    expect(regex.fullMatch(row.t) !== null).toBe(row.full);
    expect(regex.match(row.t)?.end ?? null).toBe(row.match);
    expect(regex.search(row.t)?.groups[0] ?? null).toBe(regex.matches(row.t).next().value?.groups[0] ?? null);
  });

  it.each(rows.filter(isRefused))('refuses $p: $error', (row) => {
    const fault = faultOf(() => compilePythonRegex(row.p, flags(row.f)));
    expect(fault.type).toBe('SyntaxError');
    expect(fault.message).toContain(row.error);
    expect(fault.position).toBe(row.pos ?? fault.position);
  });

  it.each([...UNSUPPORTED, '(a)?(?(1)b|c)', '\\N{DIGIT ONE}'])('says that %s is not supported', (pattern) => {
    const fault = faultOf(() => compilePythonRegex(pattern));
    expect(fault.type).toBe('Unsupported');
    expect(fault.reason).toBe('TASK_UNSUPPORTED');
    expect(fault.message).toMatch(/at position \d+$/);
  });

  it.each(replacements.filter(([, , , result]) => result !== null))(
    'sub(%j, %j, %j)',
    (pattern, by, text, result) => {
      expect(compilePythonRegex(pattern).sub(by, text)).toBe(result);
    },
  );

  it.each(replacements.filter(([, , , result]) => result === null))(
    'refuses sub(%j, %j, %j)',
    (pattern, by, text) => {
      expect(() => compilePythonRegex(pattern).sub(by, text)).toThrow(PyError);
    },
  );

  it('replaces and splits only so many times as asked', () => {
    expect(compilePythonRegex('a').sub('-', 'aaa', 2)).toBe('--a');
    expect(compilePythonRegex(',').split('a,b,c', 1)).toEqual(['a', 'b,c']);
  });

  it('knows its groups by name', () => {
    expect(compilePythonRegex('(a)(?P<second>b)').names).toEqual(new Map([['second', 2]]));
  });

  it('does not let a case-blind group change the sets behind it', () => {
    expect(compilePythonRegex('(?i:a)[^a]').findAll('aA')).toEqual(['aA']);
  });
});

function read<Row>(file: string): Row[] {
  return JSON.parse(readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')) as Row[];
}

function isFound(row: Found | Refused): row is Found {
  return 't' in row;
}

function isRefused(row: Found | Refused): row is Refused {
  return 'error' in row;
}

function spanAndGroups({ start, end, groups }: Match): unknown[] {
  return [start, end, ...groups.slice(1)];
}

function flags(letter: string): RegexFlags {
  return { ignoreCase: letter === 'i', multiline: letter === 'm', dotAll: letter === 's' };
}

function faultOf(step: () => unknown): PyError {
  try {
    step();
  } catch (error) {
    if (error instanceof PyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
