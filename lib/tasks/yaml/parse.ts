import {
  LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml';
import { pyStr } from '../pylang/index.ts';
import { type Place, type YamlEntry, type YamlMap, type YamlNode, type YamlScalar, refuse } from './node.ts';
import { resolvePlain } from './scalar.ts';

/** Nodes that a file may have once its aliases are written out. */
const MAX_NODES = 1_000_000;

/**
 * Reads a YAML file as PyYAML does: 1.1 scalars, merge keys, the last of equal keys wins, `!function` is a hook.
 * Throws TASK_INVALID with every syntax error at its line and column; TASK_UNSUPPORTED for other tags.
 */
export function parseYaml(text: string, file: string): YamlMap {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  const reader = new Reader(lines, file, text);
  const [error] = document.errors;
  if (error !== undefined) throw refuse('TASK_INVALID', reader.place(error.pos[0]), `YAML: ${error.message}`);
  const root = document.contents === null ? null : reader.node(document.contents);
  if (root?.kind !== 'map') {
    throw refuse(
      'TASK_INVALID',
      { file, line: 1, column: 1 },
      'a task file must be a mapping of keys to values',
    );
  }
  return root;
}

class Reader {
  readonly #lines: LineCounter;
  readonly #file: string;
  readonly #source: string;
  #nodes = 0;
  /** What each anchor stands for so far; null while it is being read. */
  readonly #anchors = new Map<string, { readonly node: YamlNode; readonly nodes: number } | null>();

  constructor(lines: LineCounter, file: string, source: string) {
    this.#source = source;
    this.#lines = lines;
    this.#file = file;
  }

  place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  node(node: Node): YamlNode {
    const place = this.place(node.range?.[0] ?? 0);
    if (isAlias(node)) return this.#target(node.source, place);
    const anchor = isNode(node) && 'anchor' in node ? node.anchor : undefined;
    const before = this.#nodes;
    this.#count(1, place);
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const read = isScalar(node) ? this.#scalar(node, place) : this.#collection(node, place);
    if (anchor !== undefined) this.#anchors.set(anchor, { node: read, nodes: this.#nodes - before });
    return read;
  }

  #target(anchor: string, place: Place): YamlNode {
    const target = this.#anchors.get(anchor);
    if (target === undefined) throw refuse('TASK_INVALID', place, 'this alias has no anchor');
    if (target === null) throw refuse('TASK_INVALID', place, 'a value contains itself');
    this.#count(target.nodes, place);
    return target.node;
  }

  #count(nodes: number, place: Place): void {
    this.#nodes += nodes;
    if (this.#nodes > MAX_NODES)
      throw refuse('TASK_INVALID', place, 'the aliases of this file expand without bound');
  }

  #collection(node: Node, place: Place): YamlNode {
    if (isSeq<Node>(node)) {
      this.#refuseTag(node, place, ['tag:yaml.org,2002:seq']);
      return { kind: 'list', place, items: node.items.map((item) => this.node(item)) };
    }
    if (isMap<Node, Node | null>(node)) {
      this.#refuseTag(node, place, ['tag:yaml.org,2002:map']);
      return { kind: 'map', place, entries: this.#entries(node) };
    }
    throw refuse('TASK_INVALID', place, 'this is neither a value, a list nor a mapping');
  }

  #entries(map: YAMLMap<Node, Node | null>): Map<string, YamlEntry> {
    const merged = new Map<string, YamlEntry>();
    const own = new Map<string, YamlEntry>();
    for (const pair of map.items) {
      if (isMergeKey(pair)) this.#merge(pair, merged);
      else {
        const key = this.node(pair.key);
        if (key.kind !== 'scalar') throw refuse('TASK_INVALID', key.place, 'a key must be a plain value');
        own.set(pyStr(key.value), { key: key.place, node: this.#value(pair, key.place) });
      }
    }
    for (const [key, entry] of own) merged.set(key, entry);
    return merged;
  }

  #value(pair: Pair<Node, Node | null>, place: Place): YamlNode {
    return pair.value === null
      ? { kind: 'scalar', place, text: { ...place, lastLine: place.line }, value: null }
      : this.node(pair.value);
  }

  // The first of several merged mappings wins, and all of them lose against the mapping's own keys.
  #merge(pair: Pair<Node, Node | null>, into: Map<string, YamlEntry>): void {
    const from = this.#value(pair, this.place(pair.key.range?.[0] ?? 0));
    for (const source of from.kind === 'list' ? from.items : [from]) {
      if (source.kind !== 'map')
        throw refuse('TASK_INVALID', source.place, 'only mappings can be merged by "<<"');
      for (const [key, entry] of source.entries) if (!into.has(key)) into.set(key, entry);
    }
  }

  #scalar(node: Scalar, place: Place): YamlNode {
    const text = typeof node.value === 'string' ? node.value : '';
    if (node.tag === '!function') return { kind: 'hook', place, name: text };
    this.#refuseTag(node, place, ['tag:yaml.org,2002:str', '!']);
    const plain = node.type === 'PLAIN' && node.tag === undefined;
    return {
      kind: 'scalar',
      place,
      text: this.#textOf(node, place),
      value: plain ? resolvePlain(text) : text,
    };
  }

  #textOf(node: Scalar, place: Place): YamlScalar['text'] {
    const lastLine = this.place(node.range?.[1] ?? 0).line;
    if (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED') {
      return { line: place.line, column: place.column + (node.type === 'PLAIN' ? 0 : 1), lastLine };
    }
    const from = this.#lines.lineStarts[place.line] ?? 0;
    const indent = /^ */.exec(this.#source.slice(from, from + 200))?.[0].length ?? 0;
    return { line: place.line + 1, column: indent + 1, lastLine };
  }

  #refuseTag(node: Node & { tag?: string }, place: Place, known: readonly string[]): void {
    if (node.tag === undefined || known.includes(node.tag)) return;
    throw refuse('TASK_UNSUPPORTED', place, `the YAML tag ${node.tag} is not supported`);
  }
}

function isMergeKey({ key }: Pair<Node, Node | null>): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.value === '<<';
}
