import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Float,
  floatRepr,
  literalEval,
  PyError,
  pyEquals,
  pyRepr,
  pyStr,
  type PyValue,
  Tuple,
} from './index.ts';

// Written by CPython 3.11: the text, and repr(ast.literal_eval(text)), or null where that raises.
type Row = [text: string, repr: string | null];
const rows = JSON.parse(readFileSync(new URL('./literal.vectors.json', import.meta.url), 'utf8')) as Row[];
const UNSUPPORTED = ['1+2j', '2j', "b'x'", '...', "'\\N{DIGIT ONE}'"];

describe('literalEval and pyRepr as CPython has them', () => {
  it.each(rows.filter(([text, repr]) => repr !== null && !UNSUPPORTED.includes(text)))(
    '%j is %s',
    (text, repr) => {
      expect(pyRepr(literalEval(text))).toBe(repr);
    },
  );

  it.each(rows.filter(([, repr]) => repr === null))('refuses %j', (text) => {
    expect(() => literalEval(text)).toThrow(PyError);
  });

  it.each(UNSUPPORTED)('says that %s is not supported', (text) => {
    expect(() => literalEval(text)).toThrow(PyError);
  });

  it('names the offset of a fault', () => {
    expect(() => literalEval("['a', b]")).toThrow('malformed node or string at offset 6');
  });

  it('reads back what pyRepr writes', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(pyEquals(literalEval(pyRepr(value)), value)).toBe(true);
      }),
    );
  });
});

describe('floatRepr', () => {
  it('is the shortest text that reads back as the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(Number(floatRepr(value)), value)).toBe(true);
        expect(floatRepr(value)).toMatch(/[.e]/);
      }),
    );
  });
});

describe('pyStr', () => {
  it('leaves a text as it is and writes the rest as repr', () => {
    expect(pyStr("it's")).toBe("it's");
    expect(pyStr(["it's", null, true, new Float(1)])).toBe('["it\'s", None, True, 1.0]');
    expect(pyStr(new Tuple([1]))).toBe('(1,)');
  });
});

const values: fc.Arbitrary<PyValue> = fc.letrec<{ value: PyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<PyValue>(null, true, false),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 90n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new Float(value)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.array(tie('value')).map((items) => new Tuple(items)),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((pairs) => new Map(pairs)),
  ),
})).value;
