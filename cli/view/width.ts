// Characters that a terminal draws over the one before, or not at all.
const NONE = /^[\p{Mark}\p{Format}]$/u;
// Characters that take two cells: East Asian wide and full-width forms, and emoji drawn as pictures.
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

/** How many cells of a terminal a text takes. */
export function width(text: string): number {
  let cells = 0;
  for (const char of text) cells += cellsOf(char);
  return cells;
}

/** Cut to a width, with a mark where something was cut. */
export function fit(text: string, most: number): string {
  if (width(text) <= most) return text;
  let kept = '';
  let cells = 0;
  for (const char of text) {
    cells += cellsOf(char);
    if (cells > most - 1) break;
    kept += char;
  }
  return most > 0 ? `${kept}…` : '';
}

/** Filled with spaces to a width, on the right or on the left. */
export function pad(text: string, to: number, side: 'right' | 'left' = 'right'): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return side === 'right' ? text + space : space + text;
}

function cellsOf(char: string): number {
  if (NONE.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}
