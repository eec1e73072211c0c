import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AssayError, isPermanent, passing, REASONS } from './errors.ts';

describe('docs/errors.md', () => {
  it('lists every reason once, with what it means and what to do', () => {
    const text = readFileSync(path.join(import.meta.dirname, '../docs/errors.md'), 'utf8');
    const rows = [...text.matchAll(/^\|\s*`([A-Z_]+)`\s*\|([^|]+)\|([^|]+)\|$/gm)];
    expect(rows.map(([, reason]) => reason)).toEqual([...REASONS]);
    for (const [, , meaning, advice] of rows) expect([meaning?.trim(), advice?.trim()]).not.toContain('');
  });
});

describe('AssayError', () => {
  it('is permanent unless it is said to pass', () => {
    expect(isPermanent(new AssayError('NOT_FOUND', 'no'))).toBe(true);
    expect(isPermanent(passing('LEDGER_FULL', 'full'))).toBe(false);
    expect(isPermanent(AssayError.from(new Error('surprise')))).toBe(false);
  });
});
