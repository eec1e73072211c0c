import { describe, expect, it } from 'vitest';
import { bundleOf } from '../fixtures/bundle.ts';
import { Problems } from '../problem.ts';
import { dumpJson } from '../pylang/index.ts';
import { Dataset } from './dataset.ts';

const place = { file: 't.yaml', line: 1, column: 1 };

async function open(splits: Readonly<Record<string, string>>): Promise<Dataset> {
  const data = Object.keys(splits).map((split) => ({ split, files: [{ path: split, place }] }));
  const problems = new Problems();
  const dataset = await Dataset.open(bundleOf(splits), data, problems);
  if (dataset === undefined) throw new Error(JSON.stringify(problems.list));
  return dataset;
}

async function docs(text: string): Promise<string[]> {
  const dataset = await open({ test: text });
  return Array.from(dataset.docs('test'), ({ doc }) => dumpJson(doc, { ensureAscii: false }));
}

describe('Dataset', () => {
  // What datasets 5.2.0 gives for the same lines.
  it.each([
    [
      'missing columns',
      '{"a":1,"b":"x"}\n{"b":"y","c":2.5}',
      ['{"a": 1, "b": "x", "c": null}', '{"a": null, "b": "y", "c": 2.5}'],
    ],
    ['columns in order of appearance', '{"b":1}\n{"a":2,"b":3}', ['{"b": 1, "a": null}', '{"b": 3, "a": 2}']],
    ['an int among floats', '{"a":1}\n{"a":2.5}', ['{"a": 1.0}', '{"a": 2.5}']],
    [
      'an int beyond 64 bits',
      '{"a":9223372036854775808}\n{"a":1}',
      ['{"a": 9.223372036854776e+18}', '{"a": 1.0}'],
    ],
    ['the greatest 64-bit int', '{"a":9223372036854775807}', ['{"a": 9223372036854775807}']],
    ['texts among numbers', '{"a":1}\n{"a":"s"}', ['{"a": 1}', '{"a": "s"}']],
    ['truth values among numbers', '{"a":true}\n{"a":1}', ['{"a": true}', '{"a": 1}']],
    ['objects with unequal keys', '{"a":{"x":1}}\n{"a":{"y":2}}', ['{"a": {"x": 1}}', '{"a": {"y": 2}}']],
    [
      'objects with keys in another order',
      '{"a":{"x":1,"y":2}}\n{"a":{"y":3,"x":4}}',
      ['{"a": {"x": 1, "y": 2}}', '{"a": {"x": 4, "y": 3}}'],
    ],
    ['lists with ints and floats', '{"a":[1,2.5]}\n{"a":[3]}', ['{"a": [1.0, 2.5]}', '{"a": [3.0]}']],
    ['lists of unequal objects', '{"a":[{"x":1},{"y":"q"}]}', ['{"a": [{"x": 1}, {"y": "q"}]}']],
    ['empty lists and objects', '{"a":[],"b":{}}', ['{"a": [], "b": {}}']],
    ['null beside an object', '{"a":{"x":1}}\n{"a":null}', ['{"a": {"x": 1}}', '{"a": null}']],
    ['an array of objects', '[\n {"a": 1.0}, {"a": 2}\n]', ['{"a": 1.0}', '{"a": 2.0}']],
    ['an array of texts', '["q"]', ['{"text": "q"}']],
    ['empty lines, CRLF and a byte order mark', '\ufeff{"a":1}\r\n\r\n{"a":2}', ['{"a": 1}', '{"a": 2}']],
  ])('reads %s', async (_, text, expected) => {
    expect(await docs(text)).toEqual(expected);
  });

  it('gives all splits the same columns, and knows where one is missing', async () => {
    const dataset = await open({ train: '{"b":1}\n', test: '{"a":1,"b":2}\n{"b":3}\n' });
    expect([...dataset.columns]).toEqual(['b', 'a']);
    expect(dataset.facts('train').lacks('a')).toEqual({ file: 'train', line: 1 });
    expect(dataset.facts('test').lacks('a')).toEqual({ file: 'test', line: 2 });
    expect(dataset.facts('test').lacks('b')).toBeUndefined();
    expect(dataset.facts('test').docs).toBe(2);
  });

  it('can be walked again', async () => {
    const dataset = await open({ test: '{"a":1}\n{"a":2}\n' });
    expect([...dataset.docs('test')]).toEqual([...dataset.docs('test')]);
  });
});
