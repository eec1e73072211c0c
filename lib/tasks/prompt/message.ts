import type { ChatMessage } from '@assay/lib/domain';
import { lstripText, rstripText } from '../pylang/index.ts';

/** One turn of a prompt. The delimiter follows it in plain text only. */
export interface Message extends ChatMessage {
  readonly delimiter: string;
}

export function message(role: ChatMessage['role'], content: string, delimiter = ''): Message {
  return { role, content, delimiter };
}

/** Joins two texts, with the delimiter between them unless one has whitespace at the seam or is empty. */
export function maybeDelimit(before: string, after: string, delimiter: string): string {
  if (before === '') return after;
  if (after === '') return before;
  return hasSpaceAtSeam(before, after) ? before + after : before + delimiter + after;
}

/** Whether text needs a delimiter before what follows: it is not empty and there is no whitespace at the seam. */
export function needsDelimiter(before: string, after: string): boolean {
  return before !== '' && !hasSpaceAtSeam(before, after);
}

export function endsWithSpace(text: string): boolean {
  return rstripText(text) !== text;
}

export function plainText(messages: readonly Message[]): string {
  return messages.map(({ content, delimiter }) => content + delimiter).join('');
}

/** As messages of a chat: each turn its own, or all of them in one user message (a final answer prefix apart). */
export function chatMessages(messages: readonly Message[], multiturn: boolean): ChatMessage[] {
  if (multiturn) return messages.map(({ role, content }) => ({ role, content }));
  const system = messages[0]?.role === 'system' ? messages.slice(0, 1) : [];
  const rest = messages.slice(system.length);
  const prefix = rest.at(-1)?.role === 'assistant' ? rest.slice(-1) : [];
  const turns = rest.slice(0, rest.length - prefix.length);
  const last = turns.at(-1);
  const content = plainText(turns.slice(0, -1)) + (last?.content ?? '');
  const one: ChatMessage = { role: 'user', content };
  return [...system, one, ...prefix].map((turn) => ({ role: turn.role, content: turn.content }));
}

function hasSpaceAtSeam(before: string, after: string): boolean {
  return endsWithSpace(before) || lstripText(after) !== after;
}
