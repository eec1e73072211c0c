import type { Msg } from 'nats';
import { AssayError, passing, type Reason } from '../errors.ts';
import type { Link } from './link.ts';

/** Where a runner asks for the key of an endpoint. No stream has it: what is said there is stored nowhere. */
export const KEYS_SUBJECT = 'assay.keys';
/** One of the schedulers answers each question. */
const GROUP = 'assay-keys';
const TRY_MS = 5_000;
const BUDGET_MS = 15_000;

interface Answer {
  readonly key?: string;
  readonly fault?: { readonly reason: Reason; readonly message: string; readonly permanent: boolean };
}

/** The text of the secret of that name. Throws NOT_FOUND when there is none, and what else kept the scheduler from it. */
export async function askKey(link: Link, name: string): Promise<string> {
  const doing = `ask for the key ${name}`;
  const options = { timeoutMs: TRY_MS, budgetMs: BUDGET_MS, doing };
  const message = await link.ask(KEYS_SUBJECT, Buffer.from(JSON.stringify({ name })), options);
  const { key, fault } = answerOf(message.string());
  if (key !== undefined) return key;
  if (fault === undefined) throw passing('INTERNAL', `${doing}: the answer says nothing`);
  throw new AssayError(fault.reason, fault.message, { permanent: fault.permanent });
}

/** Answers questions for keys until what it gives is called. `read` gives null for a name that it does not know. */
export function answerKeys(link: Link, read: (name: string) => Promise<string | null>): () => void {
  const reply = async (text: string): Promise<Answer> => {
    try {
      const { name } = JSON.parse(text) as { readonly name?: unknown };
      if (typeof name !== 'string') throw new AssayError('INVALID_REQUEST', 'the question names no key');
      const key = await read(name);
      if (key === null) throw new AssayError('NOT_FOUND', `there is no key ${name.slice(0, 80)}`);
      return { key };
    } catch (error) {
      const { reason, message, permanent } = AssayError.from(error);
      return { fault: { reason, message, permanent } };
    }
  };
  // Neither the question's answer nor why there is none is logged: the one is a secret.
  const respond = async (message: Msg): Promise<void> => {
    const answer = await reply(message.string());
    try {
      message.respond(Buffer.from(JSON.stringify(answer)));
    } catch (error) {
      link.log.warn({ err: error }, 'a question for a key was not answered');
    }
  };
  const subscription = link.nc.subscribe(KEYS_SUBJECT, {
    queue: GROUP,
    callback(error, message) {
      if (error === null) void respond(message);
      else link.log.error({ err: error }, 'questions for keys are refused by the broker');
    },
  });
  return () => subscription.unsubscribe();
}

function answerOf(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch (error) {
    throw passing('INTERNAL', 'the answer is no JSON', error);
  }
}
