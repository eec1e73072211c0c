import type { PyValue } from '../pylang/index.ts';
import type { Value } from './value.ts';

/** The variables of a render; a Map is one. `undefined` means that there is no such variable. */
export interface Scope {
  get(name: string): PyValue | undefined;
}

/** The variables that a template sets, one frame inside another; outermost the scope of the render. */
export class Frame {
  readonly #scope: Scope;
  readonly #outer: Frame | undefined;
  #own: Map<string, Value> | undefined;

  constructor(scope: Scope, outer?: Frame) {
    this.#scope = scope;
    this.#outer = outer;
  }

  inner(): Frame {
    return new Frame(this.#scope, this);
  }

  get(name: string): Value | undefined {
    const own = this.#own?.get(name);
    if (own !== undefined) return own;
    return this.#outer === undefined ? this.#scope.get(name) : this.#outer.get(name);
  }

  set(name: string, value: Value): void {
    this.#own ??= new Map();
    this.#own.set(name, value);
  }
}
