/**
 * Where each token begins in the prompt, in UTF-16 units; tokens after the prompt begin at its length or later. A
 * token that the server put in front begins at −1. Null when the tokens do not make up the prompt.
 */
export function tokenStarts(tokens: readonly string[], prompt: string): readonly number[] | null {
  const [shown, asked] = [tokens.map(plainText), plainText(prompt)];
  // The beginning of the sequence may be shown without a text.
  const fronts = shown[0] === '' ? [1] : [0, 1];
  for (const front of fronts) {
    let offset = 0;
    const starts = shown.map((token, i) => (i < front ? -1 : (offset += token.length) - token.length));
    if (shown.slice(front).join('').startsWith(asked)) return starts;
  }
  return null;
}

// Some servers show the marks that stand for a space and a line's end in their vocabulary. Each is one unit long, so
// places stay what they are.
function plainText(text: string): string {
  return text.replaceAll(/[\u2581\u0120]/g, ' ').replaceAll('\u010a', '\n');
}
