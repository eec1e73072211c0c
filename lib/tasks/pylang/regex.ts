import { check, emit } from './regex-emit.ts';
import { PatternParser } from './regex-parse.ts';
import { compileReplacement } from './regex-replace.ts';

/** Python's `re` flags, as arguments; inline flags of the pattern add to them. */
export interface RegexFlags {
  readonly ignoreCase?: boolean;
  readonly multiline?: boolean;
  readonly dotAll?: boolean;
  readonly verbose?: boolean;
  readonly ascii?: boolean;
}

/** One match. `groups[0]` is the whole match; a group that took no part is null (Python's `None`). */
export interface Match {
  /** In UTF-16 units, as `end`. */
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | null)[];
}

/** A compiled pattern with the semantics of Python's `re` for `str` patterns. */
export interface PythonRegex {
  readonly pattern: string;
  /** Number of capturing groups. */
  readonly groups: number;
  /** Name → number of the group. */
  readonly names: ReadonlyMap<string, number>;
  /** `re.findall`: texts when there are 0 or 1 groups, else one array (Python's tuple) for each match. */
  findAll(text: string): (string | string[])[];
  /** `re.finditer`. */
  matches(text: string): IterableIterator<Match>;
  search(text: string): Match | null;
  /** `re.match`: at the beginning of the text. */
  match(text: string): Match | null;
  fullMatch(text: string): Match | null;
  /** `re.sub`; the replacement knows `\1`, `\g<name>`, `\g<1>` and escapes. Count 0 replaces all. */
  sub(replacement: string, text: string, count?: number): string;
  /** `re.split`. */
  split(text: string, maxSplit?: number): (string | null)[];
}

/**
 * Compiles a Python pattern. What Python refuses is PyError(SyntaxError) and names the position in code points.
 * PyError(Unsupported): atomic groups, possessive quantifiers, conditionals, `\N{}`, a capture that an iteration of
 * a loop may skip or match empty, a reference to a group that may take no part. Word characters and digits are those of the
 * JavaScript engine's Unicode version.
 */
export function compilePythonRegex(pattern: string, flags: RegexFlags = {}): PythonRegex {
  return new Translated(pattern, flags);
}

class Translated implements PythonRegex {
  readonly pattern: string;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
  readonly #anywhere: RegExp;
  readonly #here: RegExp;
  readonly #whole: RegExp;
  /** Matches here, but not the empty text; its first group is not the pattern's. */
  readonly #advancing: RegExp;

  constructor(pattern: string, flags: RegexFlags) {
    const parsed = new PatternParser(pattern).parse({
      ignoreCase: flags.ignoreCase ?? false,
      multiline: flags.multiline ?? false,
      dotAll: flags.dotAll ?? false,
      verbose: flags.verbose ?? false,
      ascii: flags.ascii ?? false,
    });
    check(parsed.root);
    const fold = parsed.ignoreCase ? 'i' : '';
    this.pattern = pattern;
    this.groups = parsed.groups;
    this.names = parsed.names;
    const ignoreCase = parsed.mixed ? parsed.ignoreCase : undefined;
    const source = emit(parsed.root, { shift: 0, ignoreCase });
    const shifted = emit(parsed.root, { shift: 1, ignoreCase });
    this.#anywhere = new RegExp(source, `gv${fold}`);
    this.#here = new RegExp(source, `yv${fold}`);
    this.#whole = new RegExp(`(?:${source})$`, `yv${fold}`);
    this.#advancing = new RegExp(`(?=([^]*))(?:${shifted})(?!\\1$)`, `yv${fold}`);
  }

  search(text: string): Match | null {
    return run(this.#anywhere, text, 0);
  }

  match(text: string): Match | null {
    return run(this.#here, text, 0);
  }

  fullMatch(text: string): Match | null {
    return run(this.#whole, text, 0);
  }

  *matches(text: string): IterableIterator<Match> {
    for (let match = run(this.#anywhere, text, 0); match !== null; match = this.#next(text, match))
      yield match;
  }

  findAll(text: string): (string | string[])[] {
    const found: (string | string[])[] = [];
    for (const { groups } of this.matches(text)) {
      if (this.groups < 2) found.push(groups[this.groups] ?? '');
      else found.push(groups.slice(1).map((group) => group ?? ''));
    }
    return found;
  }

  sub(replacement: string, text: string, count = 0): string {
    const expand = compileReplacement(replacement, this);
    let result = '';
    let done = 0;
    let replaced = 0;
    for (const match of this.matches(text)) {
      if (count > 0 && replaced === count) break;
      result += text.slice(done, match.start) + expand(match);
      done = match.end;
      replaced += 1;
    }
    return result + text.slice(done);
  }

  split(text: string, maxSplit = 0): (string | null)[] {
    const parts: (string | null)[] = [];
    let done = 0;
    let splits = 0;
    for (const match of this.matches(text)) {
      if (maxSplit > 0 && splits === maxSplit) break;
      parts.push(text.slice(done, match.start), ...match.groups.slice(1));
      done = match.end;
      splits += 1;
    }
    return [...parts, text.slice(done)];
  }

  // After an empty match Python looks at the same place for one that is not empty, then goes on.
  #next(text: string, match: Match): Match | null {
    if (match.end > match.start) return run(this.#anywhere, text, match.end);
    const longer = run(this.#advancing, text, match.end);
    if (longer !== null) {
      const [all = null, , ...groups] = longer.groups;
      return { ...longer, groups: [all, ...groups] };
    }
    const next = match.end + ((text.codePointAt(match.end) ?? 0) > 0xffff ? 2 : 1);
    return next > text.length ? null : run(this.#anywhere, text, next);
  }
}

function run(regex: RegExp, text: string, from: number): Match | null {
  regex.lastIndex = from;
  const found = regex.exec(text);
  if (found === null) return null;
  const groups = Array.from(found, (group: string | undefined) => group ?? null);
  return { start: found.index, end: found.index + found[0].length, groups };
}
