import { badPattern, type Node, type Position, unsupportedPattern } from './regex-ast.ts';
import { category, literal } from './regex-set.ts';

/** How a pattern is written out. */
export interface Style {
  /** Capturing groups that come before the pattern's own. */
  readonly shift: number;
  /**
   * Whether case is ignored here, to be said at each set of a pattern that mixes both; undefined for one that does
   * not. (V8 13.6 with flag `v` reads the sets behind a `(?i:…)` as if they were inside.)
   */
  readonly ignoreCase: boolean | undefined;
}

/** The JavaScript source (flags `v`, and `i` where asked) of a parsed pattern. */
export function emit(node: Node, style: Style): string {
  const inner = (part: Node): string => emit(part, style);
  switch (node.kind) {
    case 'sequence':
      return node.items.map(inner).join('');
    case 'branch':
      return `(?:${node.branches.map(inner).join('|')})`;
    case 'char':
      return literal(node.code);
    case 'set':
      return fold(`[${node.negated ? '^' : ''}${node.inside}]`, style.ignoreCase);
    case 'any':
      return '[^]';
    case 'at':
      return fold(anchor(node.where, node.ascii), style.ignoreCase);
    case 'group':
      return `(${inner(node.body)})`;
    case 'scope':
      return fold(emit(node.body, { ...style, ignoreCase: node.ignoreCase }), node.ignoreCase);
    case 'look':
      return `(?${node.behind ? '<' : ''}${node.negated ? '!' : '='}${inner(node.body)})`;
    case 'reference':
      return `(?:\\${node.index + style.shift})`;
    case 'repeat':
      return `(?:${inner(node.body)})${bounds(node.min, node.max)}${node.lazy ? '?' : ''}`;
  }
}

function fold(source: string, ignoreCase: boolean | undefined): string {
  return ignoreCase === undefined ? source : `(?${ignoreCase ? 'i' : '-i'}:${source})`;
}

function bounds(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function anchor(where: Position, ascii: boolean): string {
  const word = `[${category('w', ascii) ?? ''}]`;
  switch (where) {
    case 'begin':
      return '^';
    case 'line-begin':
      return '(?<![^\\n])';
    case 'dollar':
      return '(?=\\n?$)';
    case 'line-end':
      return '(?![^\\n])';
    case 'end':
      return '$';
    case 'boundary':
      return `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
    case 'no-boundary':
      // Python before 3.14 finds no \B in an empty text.
      return `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word})(?!^$))`;
  }
}

interface Walk {
  /** What may be left out on the way to a node: branches, optional repeats, negative look-arounds. */
  readonly path: readonly Node[];
  readonly groups: Map<number, { readonly path: readonly Node[]; readonly body: Node }>;
}

/**
 * Refuses what Python refuses only after parsing (a look-behind of no fixed width), and what Python and
 * JavaScript run differently: captures that an iteration of a loop may skip (Python keeps the earlier one,
 * JavaScript clears it), and references to groups that took no part (Python fails, JavaScript matches nothing).
 */
export function check(root: Node): void {
  visit(root, { path: [], groups: new Map() });
}

function visit(node: Node, walk: Walk): void {
  switch (node.kind) {
    case 'sequence':
      for (const item of node.items) visit(item, walk);
      return;
    case 'branch':
      for (const branch of node.branches) visit(branch, { ...walk, path: [...walk.path, branch] });
      return;
    case 'group':
      visit(node.body, walk);
      walk.groups.set(node.index, { path: walk.path, body: node.body });
      return;
    case 'scope':
      return visit(node.body, walk);
    case 'look':
      visit(node.body, node.negated ? { ...walk, path: [...walk.path, node] } : walk);
      if (node.behind) checkBehind(node.body, walk);
      return;
    case 'reference':
      return checkReference(node.index, node.position, walk);
    case 'repeat':
      return visitRepeat(node, walk);
  }
}

function visitRepeat(node: Extract<Node, { kind: 'repeat' }>, walk: Walk): void {
  const before = new Set(walk.groups.keys());
  visit(node.body, node.min === 0 ? { ...walk, path: [...walk.path, node] } : walk);
  if (node.max <= 1) return;
  const depth = walk.path.length + (node.min === 0 ? 1 : 0);
  const inside = [...walk.groups].filter(([index]) => !before.has(index));
  if (inside.length === 0) return;
  const skipped = inside.some(([, group]) => group.path.length > depth);
  if (skipped || width(node.body, walk)[0] === 0) {
    throw unsupportedPattern('a capture that a repetition may skip or match empty', node.position);
  }
}

function checkReference(index: number, position: number, walk: Walk): void {
  const group = walk.groups.get(index);
  if (group === undefined || group.path.some((step) => !walk.path.includes(step))) {
    throw unsupportedPattern('a reference to a group that may take no part', position);
  }
}

function checkBehind(body: Node, walk: Walk): void {
  const [min, max] = width(body, walk);
  if (min !== max) throw badPattern('look-behind requires fixed-width pattern', 0);
}

type Width = readonly [number, number];

function width(node: Node, walk: Walk): Width {
  switch (node.kind) {
    case 'sequence':
      return node.items
        .map((item) => width(item, walk))
        .reduce<Width>(([min, max], [low, high]) => [min + low, max + high], [0, 0]);
    case 'branch': {
      const widths = node.branches.map((branch) => width(branch, walk));
      return [Math.min(...widths.map(([min]) => min)), Math.max(...widths.map(([, max]) => max))];
    }
    case 'char':
    case 'set':
    case 'any':
      return [1, 1];
    case 'at':
    case 'look':
      return [0, 0];
    case 'group':
    case 'scope':
      return width(node.body, walk);
    case 'reference': {
      const group = walk.groups.get(node.index);
      return group === undefined ? [0, 0] : width(group.body, walk);
    }
    case 'repeat': {
      const [min, max] = width(node.body, walk);
      return [min * node.min, max === 0 ? 0 : max * node.max];
    }
  }
}
