import type { SplitFiles } from '../config/task-config.ts';
import type { TaskFiles } from '../files.ts';
import { type Problems, problemsOf } from '../problem.ts';
import type { PyDict, PyValue } from '../pylang/index.ts';
import { type RawDoc, readDocs } from './lines.ts';
import { NULL, type Shape, conform, widen } from './shape.ts';

/** Lines that are parsed before other work gets its turn. */
const TURN = 2000;

export interface SplitFacts {
  readonly docs: number;
  /** Where the split's first document stands. */
  readonly first: Spot | undefined;
  /** The first document of the split that does not have the column. */
  lacks(column: string): Spot | undefined;
}

export interface Spot {
  readonly file: string;
  readonly line: number;
}

export interface Doc extends Spot {
  readonly doc: PyDict;
}

interface OpenSplit {
  readonly facts: SplitFacts;
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

/** The documents of a task: the bytes of its files are held, a document only while it is looked at. */
export class Dataset {
  readonly #splits = new Map<string, OpenSplit>();
  readonly #columns = new Map<string, Shape>();

  /** Reads every split once, for its columns. Undefined when one cannot be read: `problems` then has file and line. */
  static async open(
    files: TaskFiles,
    splits: readonly SplitFiles[],
    problems: Problems,
  ): Promise<Dataset | undefined> {
    const dataset = new Dataset();
    for (const { split, files: paths } of splits) {
      try {
        await dataset.#add(
          files,
          split,
          paths.map(({ path }) => path),
        );
      } catch (thrown) {
        for (const problem of problemsOf(thrown, split))
          problems.add(problem.reason, problem.field, problem.message);
      }
    }
    return dataset.#splits.size === splits.length ? dataset : undefined;
  }

  /** Columns of all splits, in the order of their first appearance. */
  get columns(): ReadonlySet<string> {
    return new Set(this.#columns.keys());
  }

  facts(split: string): SplitFacts {
    return this.#split(split).facts;
  }

  /** Every document of a split, in order; a column that it does not have is null. */
  *docs(split: string): Generator<Doc> {
    for (const { path, bytes } of this.#split(split).files) {
      for (const { line, doc } of readDocs(bytes, path)) yield { file: path, line, doc: this.#conform(doc) };
    }
  }

  #split(split: string): OpenSplit {
    const open = this.#splits.get(split);
    if (open === undefined) throw new Error(`split ${split} was not opened`);
    return open;
  }

  #conform(doc: PyDict): PyDict {
    const whole = new Map<string, PyValue>();
    for (const [column, shape] of this.#columns) whole.set(column, conform(shape, doc.get(column) ?? null));
    return whole;
  }

  async #add(files: TaskFiles, split: string, paths: readonly string[]): Promise<void> {
    const open = await Promise.all(paths.map(async (path) => ({ path, bytes: await files.read(path) })));
    const missing = new Map<string, Spot>();
    let docs = 0;
    let first: Spot | undefined;
    for (const { path, bytes } of open) {
      for (const raw of readDocs(bytes, path)) {
        const spot = { file: path, line: raw.line };
        first ??= spot;
        this.#observe(raw, spot, first, missing);
        docs += 1;
        if (docs % TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    // A column that only a later split has is missing here from the first document on.
    const columns = this.columns;
    const lacks = (column: string): Spot | undefined => (columns.has(column) ? missing.get(column) : first);
    this.#splits.set(split, { facts: { docs, first, lacks }, files: open });
  }

  #observe({ doc }: RawDoc, spot: Spot, first: Spot, missing: Map<string, Spot>): void {
    let known = 0;
    for (const [column, shape] of this.#columns) {
      if (doc.has(column)) known += 1;
      else if (!missing.has(column)) missing.set(column, spot);
      const wider = widen(shape, doc.get(column) ?? null);
      if (wider !== shape) this.#columns.set(column, wider);
    }
    if (known === doc.size) return;
    for (const [column, value] of doc) {
      if (this.#columns.has(column)) continue;
      this.#columns.set(column, widen(NULL, value));
      if (spot !== first) missing.set(column, first);
    }
  }
}
