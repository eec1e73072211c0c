import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../errors.ts';
import { dumpJson, Float, parseJson, type PyValue } from './index.ts';

// Written by CPython 3.11: the text, and three dumps of it, or the error of json.loads.
type Row = [text: string, plain: string, pretty: string, compact: string] | [text: string, { error: string }];
const rows = JSON.parse(readFileSync(new URL('./json.vectors.json', import.meta.url), 'utf8')) as Row[];

describe('json as CPython reads and writes it', () => {
  it.each(rows.filter((row) => row.length === 4))('%j', (text, plain, pretty, compact) => {
    const value = parseJson(text);
    expect(dumpJson(value)).toBe(plain);
    expect(dumpJson(value, { ensureAscii: false, indent: 2, sortKeys: true })).toBe(pretty);
    expect(dumpJson(value, { separators: [',', ':'] })).toBe(compact);
  });

  it.each(rows.filter((row) => row.length === 2))('refuses %j', (text, { error }) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ reason: 'TASK_DATA_INVALID', message: error }),
    );
  });

  it('keeps ints and floats apart', () => {
    expect(parseJson('[1, 1.0, 9007199254740993]')).toEqual([1, new Float(1), 9007199254740993n]);
  });

  it('keeps the order of keys that look like integers', () => {
    expect([...(parseJson('{"2":0,"1":0}') as Map<string, PyValue>).keys()]).toEqual(['2', '1']);
  });

  it('writes plain objects, and numbers with a fraction as floats', () => {
    expect(dumpJson({ a: [0.5, 1], b: { c: null } })).toBe('{"a": [0.5, 1], "b": {"c": null}}');
  });

  it('refuses what is not JSON with an AssayError', () => {
    expect(() => parseJson('nope')).toThrow(AssayError);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, ensureAscii) => {
        const text = dumpJson(value as never, { ensureAscii });
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(dumpJson(parseJson(text), { ensureAscii })).toBe(text);
      }),
    );
  });
});
