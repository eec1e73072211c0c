/** One subject, and how many messages it has. */
export interface Listed {
  readonly subject: string;
  readonly messages: number;
}

/** The answer to a listing of subjects: what it lists, and the rest of it as JSON. */
export interface ReadListing {
  readonly subjects: Iterable<Listed>;
  readonly rest: Uint8Array;
}

const OPEN = '"subjects":{';
const [QUOTE, COMMA, ZERO] = [0x22, 0x2c, 0x30];

/**
 * Reads the subjects one by one, from the bytes. As one object, each of them would be a key, and keys are kept by the
 * engine until its next full collection: an audit's memory would follow the number of samples. So would a text of all.
 */
export function readListing(data: Uint8Array): ReadListing {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const open = bytes.indexOf(OPEN);
  const from = open + OPEN.length;
  const to = open < 0 ? -1 : bytes.indexOf('}', from);
  if (to < 0) return { subjects: [], rest: data };
  const rest = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  return { subjects: entries(bytes.subarray(from, to)), rest };
}

// Subjects are made of tokens (`token`, `encodeKey`): none has a quote, a brace or a backslash.
function* entries(bytes: Buffer): Generator<Listed> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('":', at + 1, 'latin1');
    if (bytes[at] !== QUOTE || end < 0) throw unreadable(bytes, at);
    const subject = bytes.toString('latin1', at + 1, end);
    let messages = 0;
    for (at = end + 2; at < bytes.length && bytes[at] !== COMMA; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) throw unreadable(bytes, at);
      messages = messages * 10 + digit;
    }
    at += 1;
    yield { subject, messages };
  }
}

function unreadable(bytes: Buffer, at: number): Error {
  return new Error(`a listing cannot be read at ${at}: ${bytes.toString('latin1', at, at + 80)}`);
}
