import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeKey, encodeKey, token, TOKEN_LIMIT } from './subject.ts';

// Any sequence of UTF-16 units, lone surrogates included.
const anyText = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
    .map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom('=', '==', '.', 'u', '2E', 'a', ''), { maxLength: 12 })
    .map((parts) => parts.join('')),
);

describe('token', () => {
  test.each(['gsm8k', 'mmlu_abstract_algebra', 'abcdef234567', 'p0', 'A-b_9', 'x'.repeat(TOKEN_LIMIT)])(
    'leaves the simple name %s as it is',
    (name) => expect(token(name)).toBe(name),
  );

  test('keeps a long name recognisable', () => {
    const name = 'leaderboard_math_counting_and_prob_hard_with_a_very_long_suffix_of_words';
    expect(token(name)).toMatch(/^leaderboard_math_counting_and_prob_h==[a-z2-7]{26}$/);
  });

  test('tells lone surrogates apart', () => {
    expect(token('\ud800')).not.toBe(token('\ud801'));
    expect(token('x'.repeat(70) + '\ud800')).not.toBe(token('x'.repeat(70) + '\ud801'));
  });

  test('is always one legal token of bounded length', () => {
    fc.assert(fc.property(anyText, (text) => /^[A-Za-z0-9_=-]{1,64}$/.test(token(text))));
  });

  test('never gives two names the same token', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => a === b || token(a) !== token(b)),
      { numRuns: 2_000 },
    );
  });

  test('never gives a name and its own token the same token, unless the name is simple', () => {
    fc.assert(fc.property(anyText, (text) => token(text) === text || token(token(text)) !== token(text)));
  });
});

describe('encodeKey', () => {
  test('leaves the dots of a key in place', () => {
    expect(encodeKey('abcdef.prepare.gsm8k')).toBe('abcdef.prepare.gsm8k');
  });

  test('is a legal subject tail that decodes to the key', () => {
    fc.assert(
      fc.property(anyText, (key) => {
        const encoded = encodeKey(key);
        expect(encoded).toMatch(/^[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)*$/);
        expect(decodeKey(encoded)).toBe(key);
      }),
    );
  });
});
