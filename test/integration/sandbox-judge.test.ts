import type { Jail, Limits } from '@assay/lib/python';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zygotesOf } from '../support/exec-side/processes.ts';
import { JAILS } from './sandbox-jails.ts';

const LIMITS: Limits = { cpuMs: 3_000, wallMs: 20_000, memoryBytes: 512 << 20, outputBytes: 64 << 10 };

describe.each(JAILS)('the jail $where', ({ open }) => {
  let jail: Jail;
  let parent: number;
  let close: () => Promise<void>;
  beforeAll(async () => void ({ jail, parent, close } = await open()));
  afterAll(async () => await close());

  async function verdict(source: string, tests: string, helpers = ''): Promise<string> {
    const { status, detail } = await jail.run({
      source,
      tests: { source: tests, entry: 'f', helpers },
      limits: LIMITS,
    });
    return detail === '' ? status : `${status}: ${detail}`;
  }

  describe('tests see what they would see in one process', () => {
    it.for([
      [
        'numbers exactly',
        'def f(x): return x',
        'for x in (0, -1, 2**70, -2**64, 0.1, -0.0, 1e300, True, None): assert f(x) == x and type(f(x)) is type(x)\nassert str(f(-0.0)) == "-0.0"',
      ],
      [
        'what is not a number',
        'def f(x): return x',
        'import math\nassert math.isnan(f(float("nan"))) and f(float("inf")) == math.inf',
      ],
      [
        'text and bytes',
        'def f(x): return x',
        'for x in ("", "é🎉\\0", "\\ud800", b"\\xff\\x00", bytearray(b"a")): assert f(x) == x and type(f(x)) is type(x)',
      ],
      [
        'containers by type',
        'def f(x): return x',
        'from collections import deque\nfor x in ([1], (1,), {1: [2]}, {1, 2}, frozenset({3}), [(1, {"a": (2,)})], deque([1], 3), range(3)): assert f(x) == x and type(f(x)) is type(x)\nassert f((1, 2)) != [1, 2]',
      ],
      [
        'dates, fractions, decimals',
        'def f(x): return x',
        'import datetime, fractions, decimal\nfor x in (datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 1, 5), datetime.timedelta(3), fractions.Fraction(1, 3), decimal.Decimal("0.10")): assert f(x) == x',
      ],
      [
        'a named tuple as a tuple',
        'from collections import namedtuple\nP = namedtuple("P", "a b")\ndef f(a, b): return P(a, b)',
        'assert f(1, 2) == (1, 2)',
      ],
      [
        'a counter as a dict',
        'from collections import Counter\nf = Counter',
        'assert f("aab") == {"a": 2, "b": 1}',
      ],
      [
        'changes of their arguments',
        'def f(x): x.sort()',
        'values = [3, 1, 2]\nf(values)\nassert values == [1, 2, 3]',
      ],
      [
        'changes deep inside',
        'def f(x): x["a"][0].append(x)',
        'd = {"a": [[1]]}\ninner = d["a"][0]\nf(d)\nassert inner[0] == 1 and inner[1] is d',
      ],
      ['identity of what comes back', 'def f(x): return x', 'values = [1]\nassert f(values) is values'],
      ['keywords and defaults', 'def f(a, *, b=2): return a + b', 'assert f(1) == 3 and f(1, b=5) == 6'],
      [
        'generators',
        'def f(n):\n    for i in range(n): yield i * i',
        'assert list(f(3)) == [0, 1, 4]\nit = f(2)\nassert next(it) == 0 and next(it) == 1 and next(it, None) is None',
      ],
      ['functions that come back', 'def f(n): return lambda x: x + n', 'assert f(2)(3) == 5'],
      ['functions that are passed', 'def f(g, x): return g(g(x))', 'assert f(lambda x: x * 3, 2) == 18'],
      [
        'objects of the program',
        'class f:\n    def __init__(self, v): self.v = v\n    def double(self): return self.v * 2\n    def __len__(self): return 0',
        'o = f(4)\nassert o.v == 4 and o.double() == 8 and len(o) == 0 and not o\no.v = 1\nassert o.double() == 2',
      ],
      [
        'its other globals',
        'LIMIT = 7\ndef g(x): return x + LIMIT\ndef f(x): return g(x)',
        'assert f(1) == g(1) == 1 + LIMIT',
      ],
      [
        'built-in exceptions',
        'def f(x): raise KeyError("k", x)',
        'try:\n    f(1)\n    assert False\nexcept LookupError as e:\n    assert e.args == ("k", 1)',
      ],
      [
        'exceptions of the program',
        'class Bad(ValueError): pass\ndef f(x): raise Bad(x)',
        'try:\n    f(1)\nexcept Bad as e:\n    assert str(e) == "1" and isinstance(e, ValueError)\nelse:\n    assert False',
      ],
      [
        'classes of their own',
        'def f(xs): return sum(xs)',
        'class T:\n    def check(self):\n        assert f([1, 2]) == 3\nT().check()',
      ],
    ] as const)('%s', async ([, source, tests]) => {
      expect(await verdict(source, tests)).toBe('AC');
    });

    it('and the task’s own helpers, which a program cannot replace', async () => {
      const helpers = 'def shift(s):\n    return s[1:] + s[0]\n\n\ndef f(s):\n    """Undoes shift."""\n';
      const tests = 'assert f(shift("abc")) == "abc"';
      expect(await verdict('def f(s): return s[-1] + s[:-1]', tests, helpers)).toBe('AC');
      const cheat = 'last = []\ndef shift(s):\n    last.append(s)\n    return s\ndef f(s): return last[-1]';
      expect(await verdict(cheat, tests, helpers)).toMatch(/^RE/);
    });

    it('and cannot be blamed on the submission when they do not compile', async () => {
      const run = jail.run({
        source: 'f = 1',
        tests: { source: 'assert (', entry: 'f', helpers: '' },
        limits: LIMITS,
      });
      await expect(run).rejects.toMatchObject({ reason: 'SANDBOX_FAULT', permanent: true });
    });
  });

  describe('a fault of ours is no verdict', () => {
    it('a zygote that dies is replaced and its submission run again', async () => {
      const run = jail.run({ source: 'import time\ntime.sleep(0.7)\nprint(1)', limits: LIMITS });
      await sleep(350);
      for (const pid of zygotesOf(parent)) process.kill(pid, 'SIGKILL');
      const { status, attempts, stdout } = await run;
      expect([status, attempts, Buffer.from(stdout).toString()]).toEqual(['OK', 2, '1\n']);
    });

    it('a wall time-out is tried once more alone; one of CPU time is not', async () => {
      const sleeping = await jail.run({
        source: 'import time\ntime.sleep(60)',
        limits: { ...LIMITS, wallMs: 200 },
      });
      expect([sleeping.status, sleeping.attempts]).toEqual(['TLE', 2]);
      const busy = await jail.run({ source: 'while True: pass', limits: { ...LIMITS, cpuMs: 100 } });
      expect([busy.status, busy.attempts]).toEqual(['TLE', 1]);
      expect(busy.cpuMs).toBeLessThan(1_000);
    });

    it('an end with a little too much CPU time is tried once more alone, and both are on record', async () => {
      const source = `import time
while time.process_time() < 0.55: pass`;
      const near = await jail.run({ source, limits: { ...LIMITS, cpuMs: 500 } });
      expect([near.status, near.attempts]).toEqual(['TLE', 2]);
      expect(near.nearLimit?.cpuMs).toBeGreaterThan(500);
    });

    it('a judge that crashes each time is the submission’s doing', async () => {
      expect(await verdict('def f(): pass', 'f()\nimport ctypes\nctypes.string_at(0)')).toBe(
        'PE: the judge ended by SIGSEGV each time',
      );
    });
  });

  it('gives every run a heap without another submission in it', async () => {
    const secret = `secret_${Math.random().toString(36).slice(2)}`;
    await jail.run({ source: `x = "${secret}"\nprint(x)`, limits: LIMITS });
    const source = `import gc
wanted = "".join(("${secret.slice(0, 9)}", "${secret.slice(9)}"))

def holds(value):
    text = value.decode("latin-1") if type(value) is bytes else value
    return type(text) is str and text is not wanted and wanted in text

def parts(o):
    return list(o) + (list(o.values()) if type(o) is dict else [])

print(sum(holds(v) for o in gc.get_objects() if type(o) in (dict, list, tuple) for v in parts(o)))`;
    for (let run = 0; run < 4; run += 1) {
      const { stdout } = await jail.run({ source, limits: LIMITS });
      expect(Buffer.from(stdout).toString()).toBe('0\n');
    }
  });
});
