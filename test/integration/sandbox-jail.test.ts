import type { Jail, Limits, Tests } from '@assay/lib/python';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JAILS } from './sandbox-jails.ts';

const CORPUS = join(import.meta.dirname, 'sandbox-corpus');
const LIMITS: Limits = { cpuMs: 1_500, wallMs: 10_000, memoryBytes: 512 << 20, outputBytes: 64 << 10 };
const TESTS: Tests = {
  entry: 'add',
  helpers: '',
  source: `
def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate(-5, 5) == 0
    assert candidate(10**20, 1) == 10**20 + 1

check(add)
`,
};

describe.each(JAILS)('the jail $where', ({ open }) => {
  let jail: Jail;
  let close: () => Promise<void>;
  beforeAll(async () => void ({ jail, close } = await open()));
  afterAll(async () => await close());

  /** Programs with their expected verdicts, which the first line of each names. */
  function corpus(folder: 'hostile' | 'harmless') {
    return readdirSync(join(CORPUS, folder))
      .toSorted()
      .map((file) => {
        const source = readFileSync(join(CORPUS, folder, file), 'utf8');
        const expected = /^# expect: ([A-Z ]+)\n/.exec(source)?.[1]?.split(' ') ?? [];
        return { name: file.replace(/\.py$/, ''), source, expected };
      });
  }

  it('reaches tier 1 here, having tried', () => {
    expect(jail.report).toMatchObject({ tier: 1, runs: true, seccomp: true });
  });

  describe('a hostile submission does not pass', () => {
    const programs = corpus('hostile');

    it('in at least sixty ways', () => {
      expect(programs.length).toBeGreaterThanOrEqual(60);
      expect(programs.flatMap(({ expected }) => expected)).not.toContain('AC');
    });

    it.for(programs)('$name', async ({ source, expected }) => {
      const limits = source.includes('sleep') ? { ...LIMITS, wallMs: 1_000 } : LIMITS;
      const { status, detail } = await jail.run({ source, tests: TESTS, limits });
      expect([...expected, ...inPod(source)], `${status}: ${detail}`).toContain(status);
    });
  });

  // Without namespaces no user is the jail's alone, and its processes cannot be counted.
  function inPod(source: string): readonly string[] {
    const { namespaces } = jail.report;
    const also = /^# or where only its memory ends it: ([A-Z ]+)\n/m.exec(source)?.[1] ?? '';
    return namespaces.length > 0 ? [] : also.split(' ');
  }

  describe('a harmless submission gets its verdict, after all those', () => {
    it.for(corpus('harmless'))('$name', async ({ source, expected }) => {
      const { status, detail } = await jail.run({ source, tests: TESTS, limits: LIMITS });
      expect(expected, `${status}: ${detail}`).toContain(status);
    });
  });

  describe('poison', () => {
    it.for([
      ['a NUL byte', 'x = 1\0', 'CE'],
      ['a lone surrogate', 'x = "\ud800"\ndef add(a, b): return a + b', 'AC'],
      ['bytes that are not UTF-8', Buffer.from([0x78, 0x3d, 0xff, 0xfe]), 'CE'],
      ['an empty program', '', 'RE'],
      ['ten megabytes of comment', `${'#'.repeat(10 << 20)}\ndef add(a, b): return a + b`, 'AC'],
    ] as const)('%s', async ([, source, expected]) => {
      const { status, detail } = await jail.run({ source, tests: TESTS, limits: LIMITS });
      expect(['RE', 'WA'].includes(expected) ? ['RE', 'WA'] : [expected], detail).toContain(status);
    });
  });
});
