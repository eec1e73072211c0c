import { AssayError } from '../../errors.ts';
import { type PyDict, PyRandom, pyEquals } from '../pylang/index.ts';

/** Draws the shots of one document after the other, in document order. */
export interface Sampler {
  /** `evaluated` is kept out of its own shots when it is given. */
  draw(evaluated?: PyDict): readonly PyDict[];
}

/**
 * The samplers of lm-evaluation-harness 0.4.13. `default` advances one CPython generator from document to document, so
 * the shots of a document depend on how many came before it; it draws one more than it needs and drops the evaluated
 * document. `first_n` takes the first of the pool.
 */
export function createSampler(
  kind: 'default' | 'first_n',
  pool: readonly PyDict[],
  count: number,
  seed: number,
): Sampler {
  if (count === 0) return { draw: () => [] };
  if (kind === 'first_n') return { draw: (evaluated) => firstOthers(pool, count, evaluated) };
  const random = new PyRandom(seed);
  return {
    draw(evaluated) {
      if (evaluated === undefined) return random.sample(pool, count);
      const drawn = random.sample(pool, count + 1).filter((doc) => !pyEquals(doc, evaluated));
      if (drawn.length >= count) return drawn.slice(0, count);
      const others = pool.filter((doc) => !pyEquals(doc, evaluated));
      if (others.length < count) throw tooSmall(count, others.length);
      return random.sample(others, count);
    },
  };
}

function firstOthers(
  pool: readonly PyDict[],
  count: number,
  evaluated: PyDict | undefined,
): readonly PyDict[] {
  if (evaluated === undefined) return pool.slice(0, count);
  const shots: PyDict[] = [];
  for (const doc of pool) {
    if (shots.length === count) break;
    if (!pyEquals(doc, evaluated)) shots.push(doc);
  }
  if (shots.length < count) throw tooSmall(count, shots.length);
  return shots;
}

function tooSmall(count: number, others: number): AssayError {
  return new AssayError(
    'TASK_DATA_INVALID',
    `${count} shots are needed, but the pool has only ${others} documents besides the evaluated one`,
  );
}
