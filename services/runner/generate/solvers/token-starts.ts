/**
 * Where each token begins in the prompt, in UTF-16 units; tokens after the prompt begin at its length or later. A
 * token that the server put in front begins at −1; one that begins inside split characters, half a unit after where
 * they begin. Null when the tokens do not make up the prompt.
 */
export function tokenStarts(tokens: readonly string[], prompt: string): readonly number[] | null {
  const [shown, asked] = [tokens.map(plainText), plainText(prompt)];
  // The beginning of the sequence may be shown without a text.
  const fronts = shown[0] === '' ? [1] : [0, 1];
  for (const places of [exactPlaces, splitPlaces]) {
    for (const front of fronts) {
      const found = places(shown.slice(front).join(''), asked);
      if (found === null) continue;
      let offset = 0;
      return shown.map((token, i) => {
        if (i < front) return -1;
        const at = offset;
        offset += token.length;
        return found[at] ?? Math.max(at, asked.length);
      });
    }
  }
  return null;
}

// Some servers show the marks that stand for a space and a line's end in their vocabulary. Each is one unit long, so
// places stay what they are.
function plainText(text: string): string {
  return text.replaceAll(/[\u2581\u0120]/g, ' ').replaceAll('\u010a', '\n');
}

type Places = readonly number[];

/** The place in the prompt of each unit of the tokens' text, up to the prompt's end. */
function exactPlaces(shown: string, prompt: string): Places | null {
  return shown.startsWith(prompt) ? Array.from({ length: prompt.length }, (_, i) => i) : null;
}

/**
 * As `exactPlaces`, where a character whose bytes lie in several tokens is shown as a U+FFFD for each of them: a run of
 * these stands for one or more characters beyond ASCII, and what follows it says how many.
 */
function splitPlaces(shown: string, prompt: string): Places | null {
  const parts = shown.split(/(\ufffd+)/);
  const places: number[] = [];
  let at = 0;
  for (let i = 0; i < parts.length && at < prompt.length; i += 2) {
    const [literal = '', run = '', next = ''] = parts.slice(i, i + 3);
    if (!fits(literal, prompt, at)) return null;
    for (let j = 0; j < literal.length; j += 1) places.push(at + j);
    at += literal.length;
    if (at >= prompt.length) break;
    const after = afterRun(run.length, next, prompt, at);
    if (after === null) return null;
    for (let j = 0; j < run.length; j += 1) places.push(j === 0 ? at : at + 0.5);
    at = after;
  }
  return at < prompt.length ? null : places;
}

function fits(literal: string, prompt: string, at: number): boolean {
  return literal.startsWith(prompt.slice(at, at + literal.length));
}

// A split character has two to four bytes, so a run is two to four times as long as what it stands for. With nothing
// after it, a generated token may be part of it.
function afterRun(run: number, next: string, prompt: string, at: number): number | null {
  if (next === '') return null;
  let after = at;
  for (let characters = 1; characters <= run; characters += 1) {
    const code = prompt.codePointAt(after) ?? 0;
    if (code < 128) return null;
    after += code > 0xffff ? 2 : 1;
    if (characters * 4 >= run && fits(next, prompt, after)) return after;
  }
  return null;
}
