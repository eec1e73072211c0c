const SIZE = 624;
const SHIFT = 397;

/**
 * MT19937 (Matsumoto and Nishimura, 1998), seeded by `init_by_array` with the 32-bit words of |seed|, lowest
 * first, as CPython's `random.seed(int)` does.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #index = SIZE;

  constructor(seed: number | bigint) {
    this.#seedByArray(words(seed));
  }

  /** The next 32 bits. */
  next(): number {
    if (this.#index === SIZE) this.#twist();
    let bits = this.#word(this.#index);
    this.#index += 1;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  #word(index: number): number {
    return this.#state[index] ?? 0;
  }

  #twist(): void {
    for (let at = 0; at < SIZE; at += 1) {
      const bits = (this.#word(at) & 0x80000000) | (this.#word((at + 1) % SIZE) & 0x7fffffff);
      this.#state[at] = this.#word((at + SHIFT) % SIZE) ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.#index = 0;
  }

  #seedByArray(key: readonly number[]): void {
    const state = this.#state;
    state[0] = 19650218;
    for (let at = 1; at < SIZE; at += 1) state[at] = Math.imul(1812433253, this.#mixed(at - 1)) + at;
    let at = 1;
    for (let round = 0, word = 0; round < Math.max(SIZE, key.length); round += 1) {
      state[at] = (this.#word(at) ^ Math.imul(this.#mixed(at - 1), 1664525)) + (key[word] ?? 0) + word;
      at = this.#advance(at);
      word = (word + 1) % key.length;
    }
    for (let round = 0; round < SIZE - 1; round += 1) {
      state[at] = (this.#word(at) ^ Math.imul(this.#mixed(at - 1), 1566083941)) - at;
      at = this.#advance(at);
    }
    state[0] = 0x80000000;
  }

  #mixed(index: number): number {
    const bits = this.#word(index);
    return bits ^ (bits >>> 30);
  }

  #advance(index: number): number {
    if (index + 1 < SIZE) return index + 1;
    this.#state[0] = this.#word(SIZE - 1);
    return 1;
  }
}

function words(seed: number | bigint): number[] {
  let rest = BigInt(seed);
  if (rest < 0n) rest = -rest;
  const key: number[] = [];
  do {
    key.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return key;
}
