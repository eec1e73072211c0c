import { expect, it } from 'vitest';
import { valuesList } from './values-list.ts';

it('lists every value with its default and its comment', () => {
  const yaml = `
# Of the file.
# It is not of a value.

# Both.
a:
  # How many
  # there are.
  count: 1
  # Grouped.
  image: { name: x, tag: '' }
  empty: {}
b: [p0]
`;
  expect(valuesList(yaml).split('\n')).toEqual([
    '- `a`: Both.',
    '- `a.count` = `1`: How many there are.',
    '- `a.image` = `{"name":"x","tag":""}`: Grouped.',
    '- `a.empty` = `{}`',
    '- `b` = `["p0"]`',
  ]);
});
