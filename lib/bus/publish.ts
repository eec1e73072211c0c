import { headers, type MsgHdrs } from 'nats';
import { answered, type Pace } from './api.ts';
import { isWrongSequence, toAssayError } from './broker-error.ts';
import type { Link } from './link.ts';

export interface Publish {
  /** The last sequence that the subject must have; 0 = it must hold nothing. Any, when left out. */
  readonly expected?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pace: Pace;
}

/**
 * The sequence under which the message is stored, or null when the subject has another last sequence than expected.
 * After a lost acknowledgement the message is sent again, so null can also mean that our own first try got through.
 * Throws LEDGER_FULL and BROKER_UNAVAILABLE, both passing, and MESSAGE_TOO_LARGE.
 */
export async function publish(
  link: Link,
  subject: string,
  data: Uint8Array,
  options: Publish,
): Promise<number | null> {
  try {
    const message = await link.ask(subject, data, {
      ...options.pace,
      headers: headersOf(options),
      doing: `store ${subject}`,
    });
    return answered<{ seq: number }>(message.data).seq;
  } catch (error) {
    if (isWrongSequence(error)) return null;
    throw toAssayError(error, `store ${subject}`);
  }
}

function headersOf({ expected, headers: extra }: Publish): MsgHdrs {
  if (expected === 0 && extra === undefined) return FIRST;
  const all = headers();
  if (expected !== undefined) all.set(EXPECTED, String(expected));
  for (const [name, value] of Object.entries(extra ?? {})) all.set(name, value);
  return all;
}

const EXPECTED = 'Nats-Expected-Last-Subject-Sequence';
const FIRST = headers();
FIRST.set(EXPECTED, '0');
