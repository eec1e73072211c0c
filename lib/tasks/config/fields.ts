import { type PyValue, isInt } from '../pylang/index.ts';
import type { Problems } from '../problem.ts';
import {
  type Place,
  type YamlEntry,
  type YamlList,
  type YamlMap,
  type YamlNode,
  isNull,
} from '../yaml/node.ts';

/**
 * The keys of one mapping, each read once by its type. A value of another type is a problem and reads as absent, and so
 * does null. What nobody has read is unknown at the end.
 */
export class Fields {
  readonly problems: Problems;
  readonly #entries: ReadonlyMap<string, YamlEntry>;
  readonly #prefix: string;
  readonly #read = new Set<string>();

  /** `prefix` is how the keys are named to a person, such as `metadata.assay.`. */
  constructor(entries: ReadonlyMap<string, YamlEntry>, problems: Problems, prefix = '') {
    this.#entries = entries;
    this.problems = problems;
    this.#prefix = prefix;
  }

  static of(map: YamlMap, problems: Problems, prefix = ''): Fields {
    return new Fields(map.entries, problems, prefix);
  }

  /** Where the value of a key stands. */
  place(key: string): Place | undefined {
    return this.#entries.get(key)?.node.place;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  node(key: string): YamlNode | undefined {
    this.#read.add(key);
    const node = this.#entries.get(key)?.node;
    return node === undefined || isNull(node) || node.kind === 'hook' ? undefined : node;
  }

  text(key: string): string | undefined {
    return this.scalar(key, 'text', (value) => (typeof value === 'string' ? value : undefined));
  }

  flag(key: string): boolean | undefined {
    return this.scalar(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  /** A whole number that is at least `least`. */
  integer(key: string, least: number): number | undefined {
    return this.scalar(key, `a whole number, ${least} or more`, (value) =>
      typeof value === 'number' && value >= least ? value : undefined,
    );
  }

  map(key: string): YamlMap | undefined {
    const node = this.node(key);
    if (node === undefined || node.kind === 'map') return node;
    return this.#wrong(key, node, 'a mapping');
  }

  list(key: string): YamlList | undefined {
    const node = this.node(key);
    if (node === undefined || node.kind === 'list') return node;
    return this.#wrong(key, node, 'a list');
  }

  /** A text or a list of texts, as a list. */
  texts(key: string): readonly string[] | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const items = node.kind === 'list' ? node.items : [node];
    const texts = items.flatMap((item) =>
      item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : [],
    );
    return texts.length === items.length ? texts : this.#wrong(key, node, 'a text or a list of texts');
  }

  scalar<T>(key: string, wanted: string, read: (value: PyValue) => T | undefined): T | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = node.kind === 'scalar' ? read(node.value) : undefined;
    return value === undefined ? this.#wrong(key, node, wanted) : value;
  }

  /** Marks keys as known whatever they hold. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** Reports keys that are set but belong to what is not built; null is as good as absent. */
  refuse(keys: readonly string[], why: (key: string) => string): void {
    for (const key of keys) {
      this.#read.add(key);
      const entry = this.#entries.get(key);
      if (entry === undefined || isNull(entry.node) || entry.node.kind === 'hook') continue;
      this.problems.unsupported(entry.key, why(this.#prefix + key));
    }
  }

  /** Reports every key that was never read. */
  finish(known = 'unknown key'): void {
    for (const [key, entry] of this.#entries) {
      if (!this.#read.has(key)) this.problems.invalid(entry.key, `${known} "${this.#prefix}${key}"`);
    }
  }

  #wrong(key: string, node: YamlNode, wanted: string): undefined {
    this.problems.invalid(node.place, `${this.#prefix}${key} must be ${wanted}`);
    return undefined;
  }
}

/** A Python int as a JavaScript number, when it is exact. */
export function smallInt(value: PyValue): number | undefined {
  return isInt(value) && typeof value === 'number' ? value : undefined;
}
