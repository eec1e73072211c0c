import type { Jail, Limits } from '@assay/lib/python';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JAILS } from './sandbox-jails.ts';
import type { Exchange } from './sandbox-exchanges.ts';
import { HOSTILE } from './sandbox-hostile.ts';
import { RIGHT } from './sandbox-right.ts';

const LIMITS: Limits = { cpuMs: 3_000, wallMs: 20_000, memoryBytes: 512 << 20, outputBytes: 64 << 10 };

describe.each(JAILS)('the jail $where', ({ open }) => {
  let jail: Jail;
  let close: () => Promise<void>;
  beforeAll(async () => void ({ jail, close } = await open()));
  afterAll(async () => await close());

  async function run({ source, tests, helpers = '', entry = 'f' }: Exchange) {
    return await jail.run({ source, tests: { source: tests, entry, helpers }, limits: LIMITS });
  }

  it.for(RIGHT)('a right submission passes: $name', async (exchange) => {
    const { status, detail } = await run(exchange);
    expect(`${status} ${detail}`).toBe('AC ');
  });

  it.for(HOSTILE)('a hostile submission does not pass: $name', async (exchange) => {
    const { status, detail } = await run(exchange);
    expect(['WA', 'RE', 'PE'], detail).toContain(status);
  });

  describe('what says nothing about the submission is no verdict', () => {
    const fault = { reason: 'SANDBOX_FAULT', permanent: true };

    it('tests that never call it', async () => {
      const tests = 'def test():\n    assert f(1) == 2\nif __name__ == "__main__":\n    test()';
      const pass = run({ name: '', source: 'def f(x): return 0', tests });
      await expect(pass).rejects.toMatchObject({ ...fault, message: 'the tests never called f' });
    });

    it.for([
      ['does not compile where it defines more', 'def g(x):\n    return (\n\ndef f(x):\n'],
      ['raises', 'import a_module_that_is_not_there\n'],
    ])('a prefix that %s', async ([, helpers = '']) => {
      const broken = run({ name: '', source: 'def f(x): return x', tests: 'assert f(1) == 1', helpers });
      await expect(broken).rejects.toMatchObject(fault);
    });
  });
});
