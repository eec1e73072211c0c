import { describe, expect, it } from 'vitest';
import { linesOf } from './lines.ts';

async function* inChunksOf(size: number, text: string) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('linesOf', () => {
  it.each([1, 2, 3, 7, 100])('puts lines together from chunks of %i bytes', async (size) => {
    const lines: string[] = [];
    for await (const line of linesOf(inChunksOf(size, 'a€b\n\nsecond 😀\ncut of'))) lines.push(line);
    expect(lines).toEqual(['a€b', '', 'second 😀']);
  });
});
