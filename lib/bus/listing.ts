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
// Subjects are made of tokens (`token`, `encodeKey`): none has a quote, a brace or a backslash.
const ENTRY = /"([^"\\{}]+)":(\d+),?/y;

/**
 * Reads the subjects one by one. As one object, each of them would be a key, and keys are kept by the engine until its
 * next full collection: an audit's memory would follow the number of samples.
 */
export function readListing(data: Uint8Array): ReadListing {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  const from = text.indexOf(OPEN);
  const to = from < 0 ? -1 : text.indexOf('}', from);
  if (to < 0) return { subjects: [], rest: data };
  const rest = Buffer.from(text.slice(0, from + OPEN.length) + text.slice(to), 'latin1');
  return { subjects: entries(text, from + OPEN.length, to), rest };
}

function* entries(text: string, from: number, to: number): Generator<Listed> {
  for (let at = from; at < to;) {
    ENTRY.lastIndex = at;
    const [, subject, messages] = ENTRY.exec(text) ?? [];
    if (subject === undefined)
      throw new Error(`a listing cannot be read at ${at}: ${text.slice(at, at + 80)}`);
    // Now: others read their listings before the next entry of this one is asked for.
    at = ENTRY.lastIndex;
    yield { subject, messages: Number(messages) };
  }
}
