import { pyEquals, pyRepr, pyStr, pyTruthy, PyError, typeName, type PyValue } from '../pylang/index.ts';
import { pyItems, pyLength } from '../pylang/sequence.ts';

/** What an expression of a template can be. */
export type Value = PyValue | Undefined | Lazy | Loop | Namespace;

/** Jinja's StrictUndefined: all that can be done with it is to test whether it is defined. */
export class Undefined {
  readonly message: string;
  /** Jinja's plain Undefined, which a conditional without `else` gives: it prints as nothing and counts as empty. */
  readonly lenient: boolean;

  constructor(message: string, lenient = false) {
    this.message = message;
    this.lenient = lenient;
  }

  fault(): PyError {
    return new PyError('UndefinedError', this.message);
  }
}

/** An iterator (used up by its first reader), a range, or a view of a dict. */
export class Lazy {
  /** Python's name of its type. */
  readonly type: string;
  /** What `str()` gives; null for an iterator, whose text is an address. */
  readonly text: string | null;
  #items: PyValue[];

  constructor(type: string, items: PyValue[], shown: string | null = null) {
    this.type = type;
    this.text = shown;
    this.#items = items;
  }

  /** Undefined for an iterator. */
  get length(): number | undefined {
    return this.text === null ? undefined : this.#items.length;
  }

  take(): PyValue[] {
    const items = this.#items;
    if (this.text === null) this.#items = [];
    return items;
  }
}

/** The variable `loop` of a `for`. */
export class Loop {
  readonly items: readonly PyValue[];
  index0 = 0;
  #changed: readonly PyValue[] | undefined;

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }

  attribute(name: string): Value | undefined {
    const { index0, items } = this;
    switch (name) {
      case 'index':
        return index0 + 1;
      case 'index0':
        return index0;
      case 'revindex':
        return items.length - index0;
      case 'revindex0':
        return items.length - index0 - 1;
      case 'first':
        return index0 === 0;
      case 'last':
        return index0 === items.length - 1;
      case 'length':
        return items.length;
      case 'depth':
        return 1; // only recursive loops are deeper
      case 'depth0':
        return 0;
      case 'previtem':
        return items[index0 - 1] ?? (index0 > 0 ? null : new Undefined('there is no previous item'));
      case 'nextitem':
        return (
          items[index0 + 1] ?? (index0 + 1 < items.length ? null : new Undefined('there is no next item'))
        );
      default:
        return undefined;
    }
  }

  cycle(values: readonly PyValue[]): PyValue {
    if (values.length === 0) throw new PyError('TypeError', 'no items for cycling given');
    return values[this.index0 % values.length] ?? null;
  }

  changed(values: readonly PyValue[]): boolean {
    const before = this.#changed;
    this.#changed = values;
    return before === undefined || !pyEquals([...before], [...values]);
  }
}

/** What `namespace()` makes: attributes that a `set` inside a loop may change for what comes after. */
export class Namespace {
  readonly attributes: Map<string, Value>;

  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** True for what a conditional without `else` gives. */
export function isNothing(value: Value): value is Undefined {
  return value instanceof Undefined && value.lenient;
}

/** A value as data; what is undefined, and what cannot be data, is a PyError. */
export function plain(value: Value): PyValue {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Lazy || value instanceof Loop || value instanceof Namespace) {
    throw new PyError('Unsupported', `a ${valueType(value)} as a value here (for a list add |list)`);
  }
  return value;
}

/** Python's `str(value)`. */
export function text(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Lazy && value.text !== null) return value.text;
  if (isNothing(value)) return '';
  return pyStr(plain(value));
}

/** Python's `bool(value)`. */
export function truthy(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value instanceof Lazy) return value.length !== 0;
  if (isNothing(value)) return false;
  if (value instanceof Loop) return value.items.length > 0;
  return value instanceof Namespace || pyTruthy(plain(value));
}

/** What iterating over the value gives; PyError(TypeError) when it cannot be iterated. */
export function iterate(value: Value): PyValue[] {
  if (value instanceof Lazy) return value.take();
  if (isNothing(value)) return [];
  const data = plain(value);
  const items = pyItems(data);
  if (items === undefined) throw new PyError('TypeError', `'${typeName(data)}' object is not iterable`);
  return items;
}

/** Python's `len(value)`. */
export function length(value: Value): number {
  if (value instanceof Loop) return value.items.length;
  if (isNothing(value)) return 0;
  const size = value instanceof Lazy ? value.length : pyLength(plain(value));
  if (size === undefined) throw new PyError('TypeError', `object of type '${valueType(value)}' has no len()`);
  return size;
}

/** Python's name of the value's type. */
export function valueType(value: Value): string {
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Lazy) return value.type;
  if (value instanceof Loop) return 'LoopContext';
  return value instanceof Namespace ? 'Namespace' : typeName(value);
}

/** A list of values as `type([…])`, the text of a dict's view. */
export function viewText(type: string, items: PyValue[]): string {
  return `${type}(${pyRepr(items)})`;
}
