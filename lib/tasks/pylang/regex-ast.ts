import { PyError } from './error.ts';

export type Position = 'begin' | 'line-begin' | 'dollar' | 'line-end' | 'end' | 'boundary' | 'no-boundary';

/** A Python pattern, parsed; inline flags are resolved but for the case of letters. */
export type Node =
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'branch'; readonly branches: readonly Node[] }
  | { readonly kind: 'char'; readonly code: number }
  /** `inside` is the inside of a JavaScript class (`v` flag). */
  | { readonly kind: 'set'; readonly inside: string; readonly negated: boolean }
  | { readonly kind: 'any' }
  | { readonly kind: 'at'; readonly where: Position; readonly ascii: boolean }
  | { readonly kind: 'group'; readonly index: number; readonly body: Node }
  | { readonly kind: 'scope'; readonly ignoreCase: boolean; readonly body: Node }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negated: boolean; readonly body: Node }
  | { readonly kind: 'reference'; readonly index: number; readonly position: number }
  | {
      readonly kind: 'repeat';
      readonly body: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
      readonly position: number;
    };

export interface Flags {
  ignoreCase: boolean;
  multiline: boolean;
  dotAll: boolean;
  verbose: boolean;
  ascii: boolean;
}

/** A pattern that Python refuses as well. */
export function badPattern(message: string, position: number): PyError {
  return new PyError('SyntaxError', `${message} at position ${position}`, { position });
}

/** A pattern that Python takes and this project does not. */
export function unsupportedPattern(what: string, position: number): PyError {
  return new PyError('Unsupported', `regular expression with ${what} at position ${position}`, { position });
}
