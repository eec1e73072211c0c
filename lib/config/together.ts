import type { Violation } from '../domain/index.ts';
import { PREFIX } from './prefix.ts';

/** The settings that are given, as text, by their names. */
export type Given = ReadonlyMap<string, string>;

/** What is wrong with two settings of which one has to be given. */
export function exactlyOne(first: string, second: string, given: Given): readonly Violation[] {
  if (given.has(first) || given.has(second)) return atMostOne(first, second, given);
  return [{ field: PREFIX + first, message: `is missing, and so is ${PREFIX}${second}: set one` }];
}

export function atMostOne(first: string, second: string, given: Given): readonly Violation[] {
  if (!given.has(first) || !given.has(second)) return [];
  return [{ field: PREFIX + second, message: `excludes ${PREFIX}${first}: unset one` }];
}

export function bothOrNone(first: string, second: string, given: Given): readonly Violation[] {
  if (given.has(first) === given.has(second)) return [];
  const [there, missing] = given.has(first) ? [first, second] : [second, first];
  return [{ field: PREFIX + missing, message: `is missing: ${PREFIX}${there} needs it` }];
}
