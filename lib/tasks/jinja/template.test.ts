import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../errors.ts';
import { Float, parseJson, type PyDict, type PyValue } from '../pylang/index.ts';
import { compileTemplate, type Template } from './index.ts';

// Rendered by Jinja2 3.1.6 under CPython 3.11 with lm-evaluation-harness' settings: a text, or the name of the error.
const file = readFileSync(new URL('./cases.json', import.meta.url), 'utf8');
const { cases } = JSON.parse(file) as {
  cases: { scope: string; template: string; text?: string; error?: string }[];
};
// Read apart, so that 1.0 stays a float.
const scopes = (parseJson(file) as PyDict).get('scopes') as Map<string, PyDict>;

describe('templates as Jinja2 renders them', () => {
  it.each(cases.filter(({ text }) => text !== undefined))('$template', ({ scope, template, text }) => {
    expect(compile(template).render(scopes.get(scope) ?? new Map())).toBe(text);
  });

  it.each(cases.filter(({ error }) => error !== undefined))(
    'refuses $template ($error)',
    ({ scope, template }) => {
      expect(() => compile(template).render(scopes.get(scope) ?? new Map())).toThrow(AssayError);
    },
  );

  it('renders again and again the same', () => {
    const template = compile('{% set n = 1 %}{% for i in x|map("string") %}{{ i ~ n }}{% endfor %}');
    const scope = scopeOf({ x: [1, 2] });
    expect([template.render(scope), template.render(scope)]).toEqual(['1121', '1121']);
  });
});

describe('faults', () => {
  it.each<[string, string, string]>([
    ['{{ x }', 'TASK_INVALID', "task.yaml:7:6: unexpected '}'"],
    ['a\n\n  {{ nosuch }}', 'TASK_INVALID', "task.yaml:9:6: 'nosuch' is undefined"],
    [
      'a\n{% if x == 1 %}\n{{ x.y.z }}{% endif %}',
      'TASK_INVALID',
      "task.yaml:9:4: 'int object' has no attribute 'y'",
    ],
    [
      '{{ x + "a" }}',
      'TASK_INVALID',
      "task.yaml:7:4: TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    ],
    ['{{ x|nosuch }}', 'TASK_INVALID', "task.yaml:7:6: no filter named 'nosuch'"],
    ['{{ x|urlize }}', 'TASK_UNSUPPORTED', "task.yaml:7:6: the filter 'urlize' is not supported"],
    [
      '\n{% macro f() %}{% endmacro %}',
      'TASK_UNSUPPORTED',
      "task.yaml:8:1: the statement 'macro' is not supported",
    ],
    ['{{ x is callable }}', 'TASK_UNSUPPORTED', "task.yaml:7:9: the test 'callable' is not supported"],
    ['{{ "a".encode() }}', 'TASK_UNSUPPORTED', "task.yaml:7:4: the method 'encode' is not supported"],
    ['{{ lipsum() }}', 'TASK_UNSUPPORTED', "task.yaml:7:4: the function 'lipsum' is not supported"],
    ['{{ f(*x) }}', 'TASK_UNSUPPORTED', 'task.yaml:7:6: an argument list with * is not supported'],
    [
      '{% for a in x recursive %}{% endfor %}',
      'TASK_UNSUPPORTED',
      'task.yaml:7:15: a recursive for is not supported',
    ],
    [
      '{{ "a".strip }}',
      'TASK_UNSUPPORTED',
      "task.yaml:7:4: the method 'strip' without a call is not supported",
    ],
    [
      '{{ "x" * 99999999 }}',
      'TASK_UNSUPPORTED',
      'task.yaml:7:4: a sequence of a size over 10000000 is not supported',
    ],
    [`{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`, 'TASK_INVALID', 'task.yaml:7:1: nested too deeply'],
    [`{{ 1${' + 1'.repeat(20_000)} }}`, 'TASK_INVALID', 'task.yaml:7:1: nested too deeply'],
  ])('%.60s', (source, reason, message) => {
    expect(() => compileTemplate(source, { file: 'task.yaml', line: 7 }).render(scopeOf({ x: 1 }))).toThrow(
      expect.objectContaining({ reason, message }),
    );
  });

  it('says at compile time what is not supported', () => {
    expect(() => compile('{% if false %}{% include "x" %}{% endif %}')).toThrow("the statement 'include'");
  });
});

describe('names', () => {
  it.each<[string, string[], string[]]>([
    ['{{ a }}{{ b.c }}{{ d["e"] }}', ['a', 'b', 'd'], []],
    ['{% set a = b %}{{ a }}', ['b'], []],
    ['{% for a in b %}{{ a }}{{ loop.index }}{{ c }}{% endfor %}{{ a }}', ['a', 'b', 'c'], []],
    ['{% if a is defined %}{{ a }}{% endif %}{{ b|default("x") }}', [], ['a', 'b']],
    ['{% if a %}{% set b = 1 %}{% endif %}{{ b }}', ['a', 'b'], []],
    ['{% if a %}{% set b = 1 %}{% else %}{% set b = 2 %}{% endif %}{{ b }}', ['a'], []],
    ['{{ range(n)|map(attribute=k)|join(s) }}', ['k', 'n', 's'], []],
    ['{% set x %}{{ y }}{% endset %}{{ x }}{% with z = w %}{{ z }}{% endwith %}', ['w', 'y'], []],
    ['plain', [], []],
  ])('%s', (source, names, optional) => {
    const template = compile(source);
    expect([...template.names].sort()).toEqual(names);
    expect([...template.optionalNames].sort()).toEqual(optional);
  });
});

describe('evaluate', () => {
  it('gives the value of a lone expression', () => {
    expect(compile('{{ [x, 1.0] }}').evaluate(scopeOf({ x: 1 }))).toEqual([1, new Float(1)]);
    expect(compile('{{ [1, 2]|map("string") }}').evaluate(scopeOf({}))).toEqual(['1', '2']);
  });

  it('gives the text of any other template', () => {
    expect(compile(' {{ x }}').evaluate(scopeOf({ x: 1 }))).toBe(' 1');
  });
});

function compile(source: string): Template {
  return compileTemplate(source, { file: 'task.yaml', line: 1 });
}

function scopeOf(values: Record<string, PyValue>): Map<string, PyValue> {
  return new Map(Object.entries(values));
}
