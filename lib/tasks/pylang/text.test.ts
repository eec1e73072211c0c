import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatRepr, pyToFloat, pyToInt } from './index.ts';
import * as text from './text.ts';

// Written by CPython 3.11: len, isdigit, isdecimal, strip, lstrip, rstrip, strip('x😀'), capitalize, split(), split(None, 1).
const texts = read<[subject: string, ...facts: unknown[]]>('text.vectors.json');
// int(s), float(s), int(s, 16), int(s, 0); null where Python raises.
const numbers = read<[subject: string, ...parsed: (string | null)[]]>('number.vectors.json');
const [ordered = []] = read<string[]>('order.vectors.json');

describe('texts as Python treats them', () => {
  it.each(texts)('%j', (subject, ...facts) => {
    expect([
      text.codePointLength(subject),
      text.isDigitText(subject),
      text.isDecimalText(subject),
      text.stripText(subject),
      text.lstripText(subject),
      text.rstripText(subject),
      text.stripText(subject, 'x😀'),
      text.capitalizeText(subject),
      text.splitWhitespace(subject),
      text.splitWhitespace(subject, 1),
    ]).toEqual(facts.slice(0, 10));
  });

  it('orders by code points', () => {
    expect(ordered.toReversed().sort(text.compareText)).toEqual(ordered);
  });

  it('orders all texts as their code points', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const points = [a, b].map((one) => Array.from(one, (point) => point.codePointAt(0) ?? 0));
        expect(Math.sign(text.compareText(a, b))).toBe(comparePoints(points[0] ?? [], points[1] ?? []));
      }),
    );
  });
});

describe('int() and float() of texts', () => {
  it.each(numbers)('%j', (subject, ...parsed) => {
    const attempts = [
      () => String(pyToInt(subject)),
      () => floatRepr(pyToFloat(subject)),
      () => String(pyToInt(subject, 16)),
      () => String(pyToInt(subject, 0)),
    ];
    expect(attempts.map(orNull)).toEqual(parsed);
  });
});

function read<Row>(file: string): Row[] {
  return JSON.parse(readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')) as Row[];
}

function orNull(attempt: () => string): string | null {
  try {
    return attempt();
  } catch {
    return null;
  }
}

function comparePoints(a: readonly number[], b: readonly number[]): number {
  for (const [index, point] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (point !== other) return Math.sign(point - other);
  }
  return a.length < b.length ? -1 : 0;
}
