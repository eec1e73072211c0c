/** A text that any language model can predict for the most part, and that surprises it at known places. */
export interface ProbeText {
  readonly text: string;
  /** The predictable words, with the space before them. */
  readonly predictable: readonly Span[];
  /** Where each surprising word begins, with the space before it. A predictable word stands right before it. */
  readonly surprises: readonly number[];
}

/** From, and up to but without `end`; UTF-16 units. */
export interface Span {
  readonly from: number;
  readonly end: number;
}

const WORDS = ['apple', 'river', 'stone', 'cloud', 'paper', 'music', 'table', 'green'];
const STRANGERS: ReadonlyMap<number, string> = new Map([
  [5 * WORDS.length + 3, 'engine'],
  [7 * WORDS.length + 5, 'doctor'],
  [8 * WORDS.length + 7, 'window'],
  [10 * WORDS.length + 4, 'summer'],
  [12 * WORDS.length + 2, 'letter'],
]);
const ROUNDS = 14;
// Two rounds are needed to see the pattern, and after a surprise two words to find back into it.
const SEEN_ROUNDS = 3;
const RECOVERY = 3;

/** Eight words, fourteen times over, with a strange word in the place of one in five of the rounds; `front` before. */
export function probeText(front = ''): ProbeText {
  let text = front;
  let lastStranger = -RECOVERY - 1;
  const predictable: Span[] = [];
  const surprises: number[] = [];
  for (let i = 0; i < ROUNDS * WORDS.length; i += 1) {
    const at = text.length;
    const stranger = STRANGERS.get(i);
    text += `${i === 0 ? '' : ' '}${stranger ?? WORDS[i % WORDS.length] ?? ''}`;
    if (stranger !== undefined) {
      surprises.push(at);
      lastStranger = i;
    } else if (i >= SEEN_ROUNDS * WORDS.length && i - lastStranger > RECOVERY) {
      predictable.push({ from: at, end: text.length });
    }
  }
  return { text, predictable, surprises };
}
