import type { Control, Failure, ModelEndpoint, Reply } from '../ports.ts';

/** What a server was found to take. */
export interface Profile {
  /** Whether it turns text into its token ids for us. */
  readonly tokenizer: boolean;
  /** Stands for an empty context; null when the server has none. */
  readonly prefixId: number | null;
  /** Tokens of prompt and answer together; 0 when the server does not say. */
  readonly contextLength: number;
}

/**
 * Asks a server what it takes. A failure that may pass is the reply: taken for an answer it
 * would change how every prompt is cut into tokens.
 */
export async function describeServer(
  endpoint: ModelEndpoint,
  model: string,
  known: { readonly contextLength: number },
  control: Control,
): Promise<Reply<Profile>> {
  const listed = await endpoint.models(control);
  if (!listed.ok && listed.kind !== 'refused') return listed;
  const told = listed.ok ? (listed.value.find(({ id }) => id === model)?.contextLength ?? 0) : 0;
  const plain: Profile = {
    tokenizer: false,
    prefixId: null,
    contextLength: known.contextLength || told,
  };
  const info = await settled(() => endpoint.tokenizer(control));
  if (!info.ok) return isAbsence(info) ? { ok: true, value: plain } : info;
  const contextLength = plain.contextLength || info.value.contextLength;
  const ids = await settled(() => endpoint.tokenize('one two', control));
  if (!ids.ok) return isAbsence(ids) ? { ok: true, value: { ...plain, contextLength } } : ids;
  const { prefixToken } = info.value;
  const prefix = prefixToken === null ? null : await endpoint.tokenize(prefixToken, control);
  if (prefix !== null && !prefix.ok) return prefix;
  return { ok: true, value: { tokenizer: true, prefixId: prefix?.value[0] ?? null, contextLength } };
}

/** Whether a server takes token ids for a prompt; it costs one generated token. */
export async function takesTokenIds(
  endpoint: ModelEndpoint,
  { tokenizer }: Profile,
  control: Control,
): Promise<Reply<boolean>> {
  if (!tokenizer) return { ok: true, value: false };
  const ids = await endpoint.tokenize('one two', control);
  if (!ids.ok) return ids;
  const taken = await settled(() => endpoint.complete(ids.value, ONE_TOKEN, control));
  if (!taken.ok && taken.kind !== 'refused' && taken.status !== 500) return taken;
  return { ok: true, value: taken.ok };
}

export const ONE_TOKEN = { until: [], maxTokens: 1, temperature: 0, seed: 0, extra: {} } as const;

const SETTLED_TRIES = 3;

// A 500 may be an accident, or how a server answers what it does not offer: then it comes each time.
async function settled<T>(question: () => Promise<Reply<T>>): Promise<Reply<T>> {
  for (let tries = 1; ; tries += 1) {
    const reply = await question();
    if (reply.ok || reply.status !== 500 || tries === SETTLED_TRIES) return reply;
  }
}

// How servers, and proxies before them, answer a route that is not there.
function isAbsence({ kind, status }: Failure): boolean {
  return kind === 'refused' || kind === 'unauthorized' || kind === 'invalid' || status === 500;
}
