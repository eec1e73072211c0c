// CSI sequences whole; of every other sequence the parts that make it one.
// oxlint-disable-next-line no-control-regex -- control characters are what is taken out
const SEQUENCES = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what is taken out
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** Text from anywhere, safe for a terminal and on one line: no control characters, no escape sequences, no direction tricks. */
export function plain(text: string): string {
  return text.replaceAll(SEQUENCES, '').replaceAll(OBEYED, ' ');
}

/** JSON that means the same and holds nothing that a terminal would obey but the line breaks between its values. */
export function plainJson(json: string): string {
  return json.replaceAll(OBEYED, (run) => {
    let escaped = '';
    for (const char of run)
      escaped += char === '\n' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}
