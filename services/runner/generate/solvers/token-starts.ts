/**
 * Where each token begins in the prompt, in UTF-16 units; tokens after the prompt begin at its length or later. A
 * token that the server put in front begins at −1. Null when the tokens do not make up the prompt.
 */
export function tokenStarts(tokens: readonly string[], prompt: string): readonly number[] | null {
  // The beginning of the sequence may be shown without a text.
  const fronts = tokens[0] === '' ? [1] : [0, 1];
  for (const front of fronts) {
    let offset = 0;
    const starts = tokens.map((token, i) => (i < front ? -1 : (offset += token.length) - token.length));
    if (tokens.slice(front).join('').startsWith(prompt)) return starts;
  }
  return null;
}
