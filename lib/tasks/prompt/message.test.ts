import { describe, expect, it } from 'vitest';
import { chatMessages, maybeDelimit, message, needsDelimiter, plainText } from './message.ts';

describe('maybeDelimit', () => {
  it.each([
    ['a', 'b', 'a-b'],
    ['a ', 'b', 'a b'],
    ['a', '\nb', 'a\nb'],
    ['', 'b', 'b'],
    ['a', '', 'a'],
    ['a\u00a0', 'b', 'a\u00a0b'],
  ])('joins %j and %j', (before, after, joined) => {
    expect(maybeDelimit(before, after, '-')).toBe(joined);
  });
});

describe('needsDelimiter', () => {
  it.each([
    ['a', 'b', true],
    ['', 'b', false],
    ['a\t', 'b', false],
    ['a', ' b', false],
  ])('of %j and %j is %s', (before, after, needed) => {
    expect(needsDelimiter(before, after)).toBe(needed);
  });
});

describe('chatMessages', () => {
  const turns = [
    message('system', 'S'),
    message('user', 'q1', ' '),
    message('assistant', 'a1', '\n\n'),
    message('user', 'q2', ' '),
  ];
  it('keeps turns apart, without delimiters', () => {
    expect(chatMessages(turns, true).map(({ role, content }) => `${role}:${content}`)).toEqual([
      'system:S',
      'user:q1',
      'assistant:a1',
      'user:q2',
    ]);
  });
  it('puts them into one user message with the delimiters of plain text, the last apart', () => {
    expect(chatMessages(turns, false)).toEqual([
      { role: 'system', content: 'S' },
      { role: 'user', content: 'q1 a1\n\nq2' },
    ]);
  });
  it('leaves an answer prefix as the last message', () => {
    expect(chatMessages([...turns, message('assistant', 'P')], false).at(-1)).toEqual({
      role: 'assistant',
      content: 'P',
    });
  });
  it('is plain text with every delimiter otherwise', () => {
    expect(plainText(turns)).toBe('Sq1 a1\n\nq2 ');
  });
});
