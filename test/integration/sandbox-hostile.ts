import { NODE, NODE_PREFIX, SHIFT, type Exchange } from './sandbox-exchanges.ts';

/** Writes one message to the judge by hand, where an answer should be. */
function forged(message: string): string {
  return `import os, struct, time
def f(*args):
    data = ${JSON.stringify(message)}.encode()
    os.write(6, struct.pack("<I", len(data)) + data)
    time.sleep(60)`;
}

const MAGIC = `class Magic:
    def __init__(self, *a): pass
    def yes(self, *a): return True
    def self(self, *a): return self
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __instancecheck__ = yes
    def __hash__(self): return hash(3)
    def zero(self, *a): return 0.0
    __sub__ = __rsub__ = __add__ = __radd__ = __mod__ = __mul__ = __abs__ = __truediv__ = zero
    def __iter__(self): return iter(())
def f(*a): return Magic()
`;

function magic(name: string, tests: string): Exchange {
  return { name: `an object that says yes to ${name}`, source: MAGIC, tests };
}

/** None of these is right; most would pass in one process. */
export const HOSTILE: readonly Exchange[] = [
  magic('a difference', 'assert abs(f(1) - 3.14) < 1e-6'),
  magic('a reflected difference', 'assert abs(3.14 - f(1)) < 1e-6'),
  magic('a remainder', 'assert f(1) % 2 == 0'),
  magic('a sum', 'assert sum([f(1), f(2)]) == 0.0'),
  magic('an order', 'assert f(1) <= 5'),
  magic('a reflected order', 'assert 5 <= f(1)'),
  magic('being most', 'assert max([f(1), 3]) == 3'),
  magic('holding', 'assert 3 in f(1)'),
  magic('being held', 'assert f(1) in {3, 4}'),
  magic('being a list', 'assert isinstance(f(1), list)'),
  magic('a set', 'assert {f(1)} == {3}'),
  {
    name: 'an exit that swallows the assert',
    source: 'class f:\n    def __enter__(self): return 1\n    def __exit__(self, *e): return True',
    tests: 'with f() as x:\n    assert x == 2',
  },
  {
    name: 'an exit that swallows its own error',
    source:
      'class f:\n    def __enter__(self): return self\n    def __exit__(self, *e): return True\n    def check(self): raise ValueError',
    tests: 'with f() as x:\n    assert x.check() == 2',
  },
  {
    name: 'a test that is skipped by an exception',
    source: 'import unittest\ndef f(x): raise unittest.SkipTest("x")',
    tests:
      'import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 2)\nr = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nassert r.wasSuccessful()',
  },
  ...[
    '{"v":["K","eval"]}',
    '{"v":["K","SystemExit"]}',
    '{"v":["K","__import__"]}',
    '{"v":["K",["L"]]}',
    '{"v":["H","Node","value",1,"valid",["O","P",0,"function",true]]}',
    '{"v":["H","Node","__class__",1]}',
    '{"v":["H","os"]}',
    '{"v":["J","Node","valid"]}',
    '{"v":["U","x",["__class__"],1]}',
    '{"v":["U","x",["a","a"],1,1]}',
    '{"v":["U","x",["a; import os"],1]}',
    '{"v":["array",["L"]]}',
    '{"v":["Counter",1]}',
    '{"v":["N","1e300000000"]}',
    '{"v":["V","eval",1]}',
    '{"v":["defaultdict",7]}',
    '{"x":[["S","unittest.case.SkipTest"],"",["L"],["D"]]}',
    '{"x":[["S","os.system"],"",["L"],["D"]]}',
    '{"x":[["S","builtins.eval"],"",["L"],["D"]]}',
    '{"x":[["R",0],"",["L"],["D"]]}',
    '{"x":[["R",-1],"",["L"],["D"]]}',
    '{"x":[["C",0,"X",[["S","antigravity.X"]]],"",["L"],["D"]]}',
    '{"x":[["H","Node"],"",["L"],["D"]]}',
    '{"op":"call"}',
    '{"op":"call","h":"x","a":[["L"],["D"]]}',
    '{"op":"call","h":0,"a":[["D"],["L"]]}',
    '{"op":["L"],"h":0,"a":["T"]}',
  ].map((message) => ({
    name: `the message ${message}`,
    source: forged(message),
    tests: 'assert f(1).valid()',
    helpers: NODE_PREFIX,
  })),
  {
    name: 'a class of the prefix that is equal to all',
    source:
      'class Node:\n    def __init__(self, *a): pass\n    def __eq__(self, other): return True\n    def valid(self): return True\ndef f(n): return Node()',
    tests: 'assert f(1) == Node(2) or f(1).valid()',
    helpers: NODE_PREFIX,
  },
  {
    name: 'an object of the prefix whose method is another',
    source: `${NODE}def f(n):\n    n = Node(9)\n    n.valid = lambda: True\n    return n`,
    tests: 'assert f(1).valid()',
    helpers: NODE_PREFIX,
  },
  {
    name: 'a helper of a prefix that ends in a bare signature, replaced',
    source: 'last = []\ndef shift(s):\n    last.append(s)\n    return s\ndef f(s): return last[-1]',
    tests: 'assert f(shift("abc")) == "abc"',
    helpers: `${SHIFT}def f(s):\n`,
  },
  {
    name: 'a class of the standard library, replaced',
    source:
      'class Q:\n    def __eq__(self, other): return True\nq = Q()\nCounter = lambda *a: q\ndef f(x): return q',
    tests: 'assert f("ab") == Counter("ab")',
  },
  {
    name: 'an exception whose attributes get in the way',
    source:
      'class A(ValueError): pass\ndef f(x):\n    e = A(1)\n    e.__dict__.update(with_traceback=1, args=(2,), _remote=None)\n    raise e',
    tests: 'try:\n    f(1)\nexcept ValueError as e:\n    assert e.with_traceback(None).args == (2,)',
  },
  ...['f = 1', 'x = 1', 'class F: pass\nf = F()'].map((source) => ({
    name: `nothing to call where the tests call nothing: ${JSON.stringify(source)}`,
    source,
    tests: 'if __name__ == "__main__":\n    assert f(1) == 2',
  })),
  {
    name: 'a type for a function',
    source: 'f = bool',
    tests: 'assert f(0) == 1',
  },
];
