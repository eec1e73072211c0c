// Control characters, line separators, and what turns the direction of text around.
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Hostile text as one line of plain Markdown text: nothing in it is markup, a link, HTML or a table cell's end. */
export function inlineText(text: string, most = 200): string {
  const plain = shorten(text.toWellFormed().replace(/\s+/g, ' ').replace(UNSEEN, '\ufffd'), most);
  // An underscore within a word is no markup; task names are full of them.
  return plain.replace(/[\\`*{}[\]<>#|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&');
}

/** Hostile text as a fenced code block whose end the text cannot write. */
export function fencedText(text: string, most = 400): string {
  const plain = shorten(text.toWellFormed().replace(/\r\n?/g, '\n').replace(UNSEEN, '\ufffd'), most);
  const longest = Math.max(2, ...Array.from(plain.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${plain}\n${fence}`;
}

function shorten(text: string, most: number): string {
  const points = Array.from(text.slice(0, most * 2 + 2));
  return points.length > most ? `${points.slice(0, most).join('')} …` : points.join('');
}
