import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findFile, joinPath } from './files.ts';

describe('joinPath', () => {
  it.each([
    ['a/b', '../c.yaml', 'a/c.yaml'],
    ['a', './b//c', 'a/b/c'],
    ['', 'x', 'x'],
    ['a', '../../x', null],
    ['a', '/etc/x', null],
  ])('of %j and %j is %j', (folder, path, joined) => {
    expect(joinPath(folder, path)).toBe(joined);
  });

  it('never leaves the bundle', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b.c');
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (folder, path) => {
        const joined = joinPath(folder.filter((one) => one !== '..').join('/'), path.join('/'));
        expect(joined === null || !joined.split('/').includes('..')).toBe(true);
        expect(joined?.startsWith('/') ?? false).toBe(false);
      }),
    );
  });
});

describe('findFile', () => {
  const known = new Set(['d', 'a/d', 'a/b/c/e']);
  it('looks beside the task, then above it', () => {
    expect(findFile(known, 'a/b/c', 'd')).toBe('a/d');
    expect(findFile(known, 'x', 'd')).toBe('d');
    expect(findFile(known, 'a/b/c', 'e')).toBe('a/b/c/e');
    expect(findFile(known, 'a', 'e')).toBeUndefined();
  });
});
