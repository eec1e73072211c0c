import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readListing } from './listing.ts';
import { token } from './subject.ts';

const read = (answer: object) => {
  const { subjects, rest } = readListing(Buffer.from(JSON.stringify(answer)));
  return { subjects: [...subjects], rest: JSON.parse(Buffer.from(rest).toString('utf8')) as unknown };
};

describe('a listing', () => {
  it('gives every subject in order, and the rest as it was', () => {
    const tokens = fc.array(fc.string({ unit: 'binary' }).map(token), { minLength: 1, maxLength: 6 });
    const subjects = fc.uniqueArray(tokens.map((parts) => `assay.${parts.join('.')}`));
    fc.assert(
      fc.property(subjects, fc.string(), (listed, word) => {
        const state = { messages: 3, subjects: Object.fromEntries(listed.map((name) => [name, 1])) };
        const { subjects: found, rest } = read({ type: word, state, total: listed.length });
        expect(found).toEqual(listed.map((subject) => ({ subject, messages: 1 })));
        expect(rest).toEqual({ type: word, state: { ...state, subjects: {} }, total: listed.length });
      }),
    );
  });

  it('gives its own while others are read, entry by entry', () => {
    const listing = (job: string) => {
      const names = Array.from({ length: 20 }, (_, i) => `assay.${job.repeat(i + 1)}.${i}`);
      const subjects = Object.fromEntries(names.map((name) => [name, 1]));
      return { names, read: readListing(Buffer.from(JSON.stringify({ state: { subjects } }))).subjects };
    };
    const [one, two] = [listing('a'), listing('bcd')];
    const others = two.read[Symbol.iterator]();
    const found: string[] = [];
    for (const { subject } of one.read) {
      found.push(subject);
      others.next();
    }
    expect(found).toEqual(one.names);
  });

  it('without subjects, or that is a refusal, is all rest', () => {
    const refusal = { error: { code: 404, err_code: 10059, description: 'stream not found' } };
    expect(read(refusal)).toEqual({ subjects: [], rest: refusal });
  });
});
