import type { Arguments, Expression, Statement, Target } from './ast.ts';
import { isGlobal } from './functions.ts';

export interface Names {
  /** Read from the scope of the render, and missed when they are not there. */
  readonly required: ReadonlySet<string>;
  /** Read from it, but the template asks somewhere whether they are defined, or has a default for them. */
  readonly optional: ReadonlySet<string>;
}

/** The variables that a template takes from its scope, whichever of its branches a render goes. */
export function namesOf(body: readonly Statement[]): Names {
  const finder = new NameFinder();
  finder.body(body, new Set());
  const required = new Set([...finder.read].filter((name) => !finder.guarded.has(name)));
  return { required, optional: finder.guarded };
}

class NameFinder {
  readonly read = new Set<string>();
  readonly guarded = new Set<string>();

  // Names that are set in `body` are added to `known`.
  body(body: readonly Statement[], known: Set<string>): void {
    for (const statement of body) this.#statement(statement, known);
  }

  #statement(node: Statement, known: Set<string>): void {
    switch (node.kind) {
      case 'text':
        return;
      case 'output':
        return this.#expression(node.value, known);
      case 'if':
        return this.#if(node, known);
      case 'for':
        return this.#for(node, known);
      case 'set':
        this.#expression(node.value, known);
        return this.#declare(node.target, known);
      case 'set-block':
        if (node.filter !== null) this.#expression(node.filter, known);
        this.body(node.body, new Set(known));
        return this.#declare(node.target, known);
      case 'with': {
        const inner = new Set(known);
        for (const [target, value] of node.pairs) {
          this.#expression(value, known);
          this.#declare(target, inner);
        }
        return this.body(node.body, inner);
      }
      case 'filter-block':
        this.#expression(node.filter, known);
        return this.body(node.body, new Set(known));
    }
  }

  // After an if only those names are known for sure that every branch sets.
  #if(node: Extract<Statement, { kind: 'if' }>, known: Set<string>): void {
    const outcomes = [...node.branches.map(([, body]) => body), node.otherwise].map((body) => {
      const inner = new Set(known);
      this.body(body, inner);
      return inner;
    });
    for (const [test] of node.branches) this.#expression(test, known);
    const [first, ...others] = outcomes;
    for (const name of first ?? []) if (others.every((outcome) => outcome.has(name))) known.add(name);
  }

  #for(node: Extract<Statement, { kind: 'for' }>, known: Set<string>): void {
    this.#expression(node.items, known);
    const inner = new Set(known);
    this.#declare(node.target, inner);
    if (node.test !== null) this.#expression(node.test, inner);
    inner.add('loop');
    this.body(node.body, inner);
    this.body(node.otherwise, new Set(known));
  }

  #declare(target: Target, known: Set<string>): void {
    if (target.kind === 'name') known.add(target.name);
    else if (target.kind === 'unpack') for (const one of target.targets) this.#declare(one, known);
    else this.#name(target.name, known);
  }

  #name(name: string, known: ReadonlySet<string>): void {
    if (!known.has(name) && !isGlobal(name)) this.read.add(name);
  }

  #expression(node: Expression, known: ReadonlySet<string>): void {
    if (node.kind === 'name') return this.#name(node.name, known);
    if (node.kind === 'call') this.#name(node.name, known);
    if (isGuard(node) && node.target?.kind === 'name' && !known.has(node.target.name)) {
      this.guarded.add(node.target.name);
    }
    for (const part of partsOf(node)) this.#expression(part, known);
  }
}

function isGuard(node: Expression): node is Extract<Expression, { kind: 'test' | 'filter' }> {
  if (node.kind === 'test') return node.name === 'defined' || node.name === 'undefined';
  return node.kind === 'filter' && (node.name === 'default' || node.name === 'd');
}

function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'constant':
    case 'name':
      return [];
    case 'list':
    case 'tuple':
    case 'concat':
      return node.items;
    case 'dict':
      return node.pairs.flat();
    case 'attribute':
      return [node.target];
    case 'item':
      return [node.target, node.index];
    case 'slice':
      return [node.target, ...node.bounds.filter((bound) => bound !== null)];
    case 'method':
    case 'test':
      return [node.target, ...argumentsOf(node.args)];
    case 'filter':
      return [...(node.target === null ? [] : [node.target]), ...argumentsOf(node.args)];
    case 'call':
      return argumentsOf(node.args);
    case 'not':
    case 'negative':
    case 'positive':
      return [node.operand];
    case 'and':
    case 'or':
    case 'arithmetic':
      return [node.left, node.right];
    case 'compare':
      return [node.first, ...node.rest.map(([, operand]) => operand)];
    case 'condition':
      return [node.test, node.value, ...(node.otherwise === null ? [] : [node.otherwise])];
  }
}

function argumentsOf(args: Arguments): readonly Expression[] {
  return [...args.positional, ...args.named.map(([, value]) => value)];
}
