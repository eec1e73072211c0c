import { PREFIX } from './prefix.ts';

/** What has to hold between the settings that are given; null when it does. */
export type Rule = (
  given: Readonly<Record<string, string>>,
) => { readonly field: string; readonly message: string } | null;

/** `first` is the one that is named as missing, with what it should be. */
export function exactlyOne(first: string, expected: string, second: string): Rule {
  return (given) => {
    if (given[first] !== undefined || given[second] !== undefined) return atMostOne(first, second)(given);
    return { field: PREFIX + first, message: `is missing: ${expected}` };
  };
}

export function atMostOne(first: string, second: string): Rule {
  return (given) => {
    if (given[first] === undefined || given[second] === undefined) return null;
    return { field: PREFIX + second, message: `must not be set together with ${PREFIX}${first}` };
  };
}

export function together(first: string, second: string): Rule {
  return (given) => {
    if ((given[first] === undefined) === (given[second] === undefined)) return null;
    const [there, missing] = given[first] === undefined ? [second, first] : [first, second];
    return { field: PREFIX + missing, message: `is missing: ${PREFIX}${there} needs it` };
  };
}
