import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AssayError } from '../errors.ts';
import { decodeEntry, encodeEntry, parseJson } from './entry.ts';

describe('an entry', () => {
  test('comes back as it was, whatever its strings hold', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 });
    fc.assert(
      fc.property(units, (codes) => {
        const entry = { v: 1, text: String.fromCharCode(...codes) } as const;
        expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
      }),
    );
  });

  test.each(['', 'null', '7', '"text"', '[]', '{}', '{"v":2}', '{"v":1', '\u0000'])('is not %j', (text) => {
    expect(decodeEntry(Buffer.from(text))).toBeNull();
  });

  test('is not what is no UTF-8', () => {
    expect(decodeEntry(Uint8Array.of(0xff, 0xfe, 0x00))).toBeNull();
  });

  test('is read from the middle of a buffer', () => {
    const bytes = Buffer.from('xx{"v":1}yy').subarray(2, 9);
    expect(decodeEntry(bytes)).toEqual({ v: 1 });
  });
});

test('a value that JSON cannot say is a permanent error', () => {
  for (const value of [undefined, 1n, Symbol('x')]) {
    expect(() => encodeEntry(value)).toThrow(AssayError);
  }
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(() => encodeEntry(circular)).toThrow(
    expect.objectContaining({ reason: 'INTERNAL', permanent: true }),
  );
});

test('parseJson tells null from what is not JSON', () => {
  expect(parseJson(Buffer.from('null'))).toBeNull();
  expect(parseJson(Buffer.from('nul'))).toBeUndefined();
});
