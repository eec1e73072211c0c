import { NODE, NODE_PREFIX, SHIFT, type Exchange } from './sandbox-exchanges.ts';

const VECTOR = `class Vector:
    def __init__(self, *parts): self.parts = list(parts)
    def __add__(self, other): return Vector(*(a + b for a, b in zip(self.parts, other.parts)))
    def __mul__(self, by): return Vector(*(a * by for a in self.parts))
    __rmul__ = __mul__
    def __eq__(self, other): return self.parts == other.parts
    def __lt__(self, other): return self.parts < other.parts
    def __hash__(self): return hash(tuple(self.parts))
    def __contains__(self, part): return part in self.parts
    def __getitem__(self, key): return self.parts[key]
    def __delitem__(self, key): del self.parts[key]
    def __repr__(self): return f"Vector{tuple(self.parts)}"
`;

/** Each would pass in one process, and is right. */
export const RIGHT: readonly Exchange[] = [
  {
    name: 'types as arguments',
    source: 'def f(t, d): return [i for i in t if not isinstance(i, d)]',
    tests: 'assert f((4, 5, 4, 7.7, 1.2), int) == [7.7, 1.2]',
  },
  {
    name: 'types as results',
    source: 'def f(x): return {"t": type(x)}',
    tests: 'assert f(5) == {"t": int} and f(None)["t"] is type(None)',
  },
  { name: 'a built-in type as the function', source: 'f = int', tests: 'assert f("7") == 7' },
  {
    name: 'keywords called as the harness calls its own',
    source: 'def f(**k): return k',
    tests: 'k = {"op": 1, "handle": 2, "self": 3, "target": 4, "peer": 5}\nassert f(**k) == k',
  },
  {
    name: 'a changed Counter, defaultdict and OrderedDict',
    source:
      'def f(d, key):\n    d[key] = d[key] if key in d else 1\n    return len(d), type(d).__name__, d.pop("gone", None)',
    tests:
      'from collections import *\nfor d in (Counter("ab"), defaultdict(list, a=1), OrderedDict(a=1), {"a": 1}):\n    n = len(d)\n    assert f(d, "new") == (n + 1, type(d).__name__, None) and d["new"] == 1',
  },
  {
    name: 'what only such kinds do',
    source:
      'def f(c, o, d):\n    o.move_to_end("a")\n    d["k"].append(c.most_common(1)[0][0])\n    return o',
    tests:
      'from collections import *\nd = defaultdict(list)\no = OrderedDict(a=1, b=2)\nr = f(Counter("aab"), o, d)\nassert r is o and list(o) == ["b", "a"] and d == {"k": ["a"]} and isinstance(r, OrderedDict)',
  },
  {
    name: 'a changed subclass of the tests',
    source: 'def f(xs, d): xs.append(4); d["x"] = 1',
    tests:
      'class L(list): pass\nclass D(dict): pass\na, b = L([1]), D()\nf(a, b)\nassert a == [1, 4] and b == {"x": 1}',
  },
  {
    name: 'an exception by its program’s own base',
    source:
      'class A(Exception): pass\nclass B(A): pass\nclass C(B, ValueError): pass\ndef f(k): raise {"b": B, "c": C}[k]("x")',
    tests:
      'for k in "bc":\n    try:\n        f(k)\n        assert False\n    except A as e:\n        assert str(e) == "x" and isinstance(e, B) and (k == "b" or isinstance(e, ValueError))',
  },
  {
    name: 'an exception of the standard library',
    source: 'import json, statistics\ndef f(s): return json.loads(s) if s else statistics.mean([])',
    tests:
      'import json, statistics\ntry:\n    f("{")\n    assert False\nexcept json.JSONDecodeError as e:\n    assert e.pos == 1\ntry:\n    f("")\n    assert False\nexcept statistics.StatisticsError:\n    pass',
  },
  {
    name: 'what an exception holds and says',
    source:
      'class A(Exception):\n    kind = "k"\n    def __init__(self, code):\n        super().__init__("m", [code])\n        self.code = code\n    def __str__(self): return f"code {self.code}"\ndef f(): raise A(5)',
    tests:
      'try:\n    f()\n    assert False\nexcept A as e:\n    assert (e.code, e.kind, str(e), e.args) == (5, "k", "code 5", ("m", [5]))',
  },
  {
    name: 'an exception of the tests through the submission',
    source: 'def f(g): return g()',
    tests:
      'class Mine(Exception): pass\ndef g(): raise Mine("x")\ntry:\n    f(g)\n    assert False\nexcept Mine as e:\n    assert str(e) == "x"',
  },
  {
    name: 'an exception of the prefix',
    source: 'class Bad(Exception): pass\ndef f(x): raise Bad(x)',
    tests: 'try:\n    f(1)\n    assert False\nexcept Bad as e:\n    assert e.args == (1,)',
    helpers: 'class Bad(Exception): pass\n',
  },
  {
    name: 'iterators and generators as arguments',
    source: 'def f(it): return sum(it)',
    tests:
      'assert f(iter([1, 2, 3])) == 6 and f(x for x in range(4)) == 6 and f(map(int, "12")) == 3\nit = iter([1, 2])\nassert f(zip_ for zip_ in it) == 3 and next(it, None) is None',
  },
  {
    name: 'objects of the prefix, made on both sides and changed',
    source: `${NODE}def f(node):\n    before = None\n    while node:\n        node.next, before, node = before, node, node.next\n    return before`,
    tests:
      'a = Node(1, Node(2))\nr = f(a)\nassert isinstance(r, Node) and r == Node(2) and r.next is a and a.next is None and r.valid()',
    helpers: NODE_PREFIX,
  },
  {
    name: 'a list of a thousand objects of the prefix, and one that bites its tail',
    source: `${NODE}def f(node):\n    n, at = 1, node\n    while at.next is not None and at.next is not node: n, at = n + 1, at.next\n    return n`,
    tests:
      'a = None\nfor _ in range(1000): a = Node(0, a)\nassert f(a) == 1000\nb = Node(1)\nb.next = b\nassert f(b) == 1',
    helpers: NODE_PREFIX,
  },
  {
    name: 'objects of the prefix that keep what they computed, or have slots',
    source: `import functools
class A:
    def __init__(self, n): self.n = n
    @functools.cached_property
    def twice(self): return self.n * 2
class B:
    __slots__ = ("n",)
    def __init__(self, n): self.n = n
def f(a, b):
    b.n += a.twice
    return A(a.twice)`,
    tests: 'b = B(1)\na = A(2)\nassert a.twice == 4 and f(a, b).twice == 8 and b.n == 5',
    helpers: `import functools
class A:
    def __init__(self, n): self.n = n
    @functools.cached_property
    def twice(self): return self.n * 2
class B:
    __slots__ = ("n",)
    def __init__(self, n): self.n = n
`,
  },
  {
    name: 'members of an enumeration of the prefix',
    source:
      'import enum\nclass C(enum.Enum):\n    R = 1\n    G = 2\ndef f(c): return C.G if c is C.R else C.R',
    tests: 'assert f(C.R) is C.G and f(C.G) is C.R',
    helpers: 'import enum\nclass C(enum.Enum):\n    R = 1\n    G = 2\n',
  },
  {
    name: 'operators of its objects',
    source: VECTOR,
    tests: `a, b = Vector(1, 2), Vector(3, 4)
assert a + b == Vector(4, 6) and a * 3 == Vector(3, 6) == 3 * a and a < b and b > a and max(a, b) is b
assert 1 in a and 9 not in a and len({a, Vector(1, 2)}) == 1 and repr(a) == "Vector(1, 2)"
assert isinstance(a, Vector) and not isinstance(1, Vector) and a[0:2] == [1, 2] and a[-1] == 2
del a[0]
assert a.parts == [2] and Vector.__name__ == "Vector" and not callable(a) and callable(Vector)`,
    entry: 'Vector',
  },
  {
    name: 'a context manager',
    source:
      'class f:\n    """Doc."""\n    def __enter__(self): return self\n    def __exit__(self, *e): self.closed = e[0] is None',
    tests: 'with f() as o:\n    pass\nassert o.closed and f.__doc__ == "Doc."',
  },
  {
    name: 'the identity of an object',
    source: 'import enum\nclass C(enum.Enum): R = 1\ndef f(): return C.R',
    tests: 'assert f() is f() is C.R',
  },
  {
    name: 'times, arrays, named tuples and views',
    source:
      'from collections import namedtuple\nP = namedtuple("P", "a b")\ndef f(x): return P(x, type(x).__name__)',
    tests:
      'import array, datetime\nfor x in (datetime.time(5, 3), datetime.time(5, tzinfo=datetime.timezone.utc), array.array("i", [1, 2]), {1: 2}.keys(), {1: 2}.items()):\n    r = f(x)\n    assert r.a == x and r == (x, type(x).__name__) and r._asdict()["b"] == r.b',
  },
  {
    name: 'values as deep as a program makes them',
    source: 'def f(x):\n    for _ in range(900): x = [x]\n    return x',
    tests:
      'x = []\nfor _ in range(900): x = [x]\nd, x = 0, f(x)\nwhile x: d, x = d + 1, x[0]\nassert d == 1800',
  },
  {
    name: 'names of the standard library that the tests do not import',
    source: 'from collections import Counter\ndef f(x): return Counter(x)',
    tests: 'assert f("aab") == Counter(a=2, b=1) and gcd(4, 6) == 2',
  },
  ...['', '    ', '    # what is left to do'].map((end) => ({
    name: `helpers of a prefix that ends in a bare signature${end === '' ? '' : ` and ${JSON.stringify(end)}`}`,
    source: `${SHIFT}def f(s): return s[-1] + s[:-1]`,
    tests: 'assert f(shift("abc")) == "abc"',
    helpers: `${SHIFT}def f(\n    s: str,\n) -> str:\n${end}`,
  })),
  {
    name: 'helpers of a prefix that ends within a text',
    source: `${SHIFT}def f(s): return s[-1] + s[:-1]`,
    tests: 'assert f(shift("abc")) == "abc"',
    helpers: `${SHIFT}def f(s):\n    """Undoes`,
  },
];
