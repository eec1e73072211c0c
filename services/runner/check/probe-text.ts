/** A text that any language model can predict for the most part, and that surprises it at known places. */
export interface ProbeText {
  readonly text: string;
  /** Where each predictable word begins, with the space before it; UTF-16 units. */
  readonly predictable: readonly number[];
  readonly surprises: readonly Surprise[];
}

export interface Surprise {
  /** Where the surprising word begins. */
  readonly at: number;
  /** Where the predictable word before it begins. */
  readonly before: number;
}

const WORDS = ['apple', 'river', 'stone', 'cloud', 'paper', 'music', 'table', 'green'];
const STRANGERS: ReadonlyMap<number, string> = new Map([
  [4 * WORDS.length + 3, 'engine'],
  [6 * WORDS.length + 5, 'doctor'],
  [8 * WORDS.length + 2, 'window'],
]);
const ROUNDS = 10;
// Two rounds are needed to see the pattern, and after a surprise two words to find back into it.
const SEEN_ROUNDS = 3;
const RECOVERY = 3;

/** Eight words, ten times over, with a strange word in the place of one in three of the rounds. */
export function probeText(): ProbeText {
  let text = '';
  let lastStranger = -RECOVERY - 1;
  let before = 0;
  const predictable: number[] = [];
  const surprises: Surprise[] = [];
  for (let i = 0; i < ROUNDS * WORDS.length; i += 1) {
    const at = text.length;
    const stranger = STRANGERS.get(i);
    text += `${i === 0 ? '' : ' '}${stranger ?? WORDS[i % WORDS.length] ?? ''}`;
    if (stranger !== undefined) {
      surprises.push({ at, before });
      lastStranger = i;
    } else if (i >= SEEN_ROUNDS * WORDS.length && i - lastStranger > RECOVERY) predictable.push(at);
    before = at;
  }
  return { text, predictable, surprises };
}
