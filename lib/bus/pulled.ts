import type { Msg } from 'nats';
import type { Link } from './link.ts';

/** A message that a pull consumer handed out, with what its reply subject says of it. */
export interface Pulled {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Msg['headers'];
  /** Where its acknowledgement goes. */
  readonly reply: string;
  /** Its sequence in the stream. */
  readonly sequence: number;
  /** How often it has been delivered, this time included. */
  readonly attempt: number;
  /** How many messages wait behind it at the consumer. */
  readonly pending: number;
  /** When the stream stored it, by the broker's clock. Milliseconds since the epoch. */
  readonly storedMs: number;
}

/** Null for what no consumer delivered. Source of the layout: NATS ADR-15, both versions of the ack subject. */
export function pulledOf(message: Msg): Pulled | null {
  const reply = message.reply;
  if (!reply?.startsWith('$JS.ACK.')) return null;
  const parts = reply.split('.');
  const [attempt, sequence, , nanoseconds, pending] = parts.slice(parts.length >= 11 ? 6 : 4).map(Number);
  if (attempt === undefined || sequence === undefined || nanoseconds === undefined || pending === undefined) {
    return null;
  }
  const { subject, data, headers } = message;
  return { subject, data, headers, reply, attempt, sequence, pending, storedMs: nanoseconds / 1e6 };
}

/** Tells the broker without waiting for it; lost words only mean that the message comes again. */
export const settle = {
  ack: (link: Link, message: Pulled): void => say(link, message, '+ACK'),
  working: (link: Link, message: Pulled): void => say(link, message, '+WPI'),
  /** Delivered again after the delay. */
  retry: (link: Link, message: Pulled, delayMs: number): void =>
    say(link, message, `-NAK {"delay": ${String(Math.max(0, Math.round(delayMs * 1e6)))}}`),
  /** Never delivered again. */
  terminate: (link: Link, message: Pulled, why: string): void => say(link, message, `+TERM ${why}`),
} as const;

function say(link: Link, message: Pulled, word: string): void {
  link.tell(message.reply, word);
}
