import { describe, expect, it } from 'vitest';
import { Float, type PyValue } from '../pylang/index.ts';
import { placeWithin, toPython } from './node.ts';
import { parseYaml } from './parse.ts';

describe('parseYaml', () => {
  const scalars: readonly (readonly [string, PyValue])[] = [
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['~', null],
    ['', null],
    ['"yes"', 'yes'],
    ['017', 15],
    ['08', '08'],
    ['0x1f', 31],
    ['1_000', 1000],
    ['-7', -7],
    ['1:30', 90],
    ['02:00', '02:00'],
    ['1e-3', '1e-3'],
    ['1.0e-3', new Float(0.001)],
    ['1.', new Float(1)],
    ['.5', new Float(0.5)],
    ['-.inf', new Float(-Infinity)],
    ['2024-01-02', '2024-01-02'],
    ['99999999999999999999', 99999999999999999999n],
    ['!!str 5', '5'],
  ];
  it.each(scalars)('reads %s as PyYAML does', (text, value) => {
    expect(toPython(parseYaml(`a: ${text}\n`, 'f'))).toEqual(new Map([['a', value]]));
  });

  it('merges mappings under "<<" behind the own keys', () => {
    const value = toPython(parseYaml('a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n', 'f'));
    expect(value).toEqual(
      new Map<string, PyValue>([
        [
          'a',
          new Map([
            ['x', 1],
            ['y', 2],
          ]),
        ],
        [
          'b',
          new Map([
            ['x', 1],
            ['y', 3],
          ]),
        ],
      ]),
    );
  });

  it('takes the last of equal keys', () => {
    expect(toPython(parseYaml('a: 1\na: 2\n', 'f'))).toEqual(new Map([['a', 2]]));
  });

  it('keeps functions as hooks, quoted or not', () => {
    const { entries } = parseYaml("a: !function u.f\nb: !function 'u.g'\n", 'f');
    expect([...entries.values()].map(({ node }) => (node.kind === 'hook' ? node.name : null))).toEqual([
      'u.f',
      'u.g',
    ]);
  });

  it('knows where a text begins', () => {
    const { entries } = parseYaml('a: "bc"\nd: |\n    ef\n', 'f');
    const places = [...entries.values()].map(({ node }) =>
      node.kind === 'scalar' ? placeWithin(node, node.text.line, 2) : null,
    );
    expect(places).toEqual([
      { file: 'f', line: 1, column: 6 },
      { file: 'f', line: 3, column: 6 },
    ]);
  });

  it.each([
    ['a: [1\nb: 2', 'f:2:1'],
    ['a: "x', 'f:1:6'],
    ['a: *q', 'f:1:4'],
    ['a: 1\n---\nb: 2', 'f:2:1'],
    ['- 1', 'f:1:1'],
    ['', 'f:1:1'],
    ['a: &a [*a]', 'f:1:'],
    ['a: !thing 1', 'f:1:'],
  ])('refuses %j with its place', (text, place) => {
    expect(() => parseYaml(text, 'f')).toThrow(place);
  });

  it('refuses aliases that expand without bound', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`,
    );
    expect(() => parseYaml(`a0: &a0 x\n${levels.join('\n')}\n`, 'f')).toThrow('expand without bound');
  });
});
