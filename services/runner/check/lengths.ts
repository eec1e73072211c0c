import type { Blob } from '@assay/lib/blob';
import type { ShardRequests, TaskPlan } from '@assay/lib/domain';
import type { Control, ModelEndpoint, Reply } from '../ports.ts';
import type { Profile } from '../generate/profile.ts';

/** How a task's longest prompts compare with the server's context. */
export interface Lengths {
  readonly longPrompt: 'truncate' | 'refuse';
  /** Prompts found too long; at least, when `more`. */
  readonly tooLong: number;
  readonly more: boolean;
  readonly longestTokens: number;
}

// Enough for 16,000 documents; what lies beyond is found when it is generated.
const MOST_SHARDS = 256;
const MOST_TOKENIZED = 256;
// This many in a row, from the longest down, that fit: shorter ones will fit too.
const FIT_IN_A_ROW = 16;

/**
 * Counts the prompts that do not fit, from the longest down. Null when none can be too long, or when the server does
 * not say its context length or has no tokenizer: then each request shows it.
 */
export async function measure(
  plan: TaskPlan,
  blob: Blob,
  endpoint: ModelEndpoint,
  profile: Profile,
  control: Control,
): Promise<Reply<Lengths | null>> {
  const { contextLength, tokenizer } = profile;
  const room = contextLength - plan.needs.maxTokens;
  // A token is at least one byte of UTF-8, and a UTF-16 unit at most three.
  if (contextLength === 0 || !tokenizer || plan.needs.longestPromptChars * 3 <= room) return found(null);
  const { prompts, longPrompt } = await longest(plan, blob, room / 3);
  let [tooLong, fit, longestTokens] = [0, 0, 0];
  for (const prompt of prompts) {
    const ids = await endpoint.tokenize(prompt, control);
    if (!ids.ok) return ids;
    longestTokens = Math.max(longestTokens, ids.value.length);
    if (ids.value.length > room) [tooLong, fit] = [tooLong + 1, 0];
    else if ((fit += 1) >= FIT_IN_A_ROW) break;
  }
  const more = plan.shards.length > MOST_SHARDS || (prompts.length === MOST_TOKENIZED && fit < FIT_IN_A_ROW);
  return found(tooLong === 0 ? null : { longPrompt, tooLong, more, longestTokens });
}

async function longest(plan: TaskPlan, blob: Blob, overChars: number) {
  let prompts: string[] = [];
  let longPrompt: 'truncate' | 'refuse' = 'truncate';
  for (const { requests } of plan.shards.slice(0, MOST_SHARDS)) {
    const shard = JSON.parse(Buffer.from(await blob.get(requests)).toString('utf8')) as ShardRequests;
    ({ longPrompt } = shard);
    prompts.push(...promptsOf(shard).filter((prompt) => prompt.length > overChars));
    prompts = prompts.toSorted((a, b) => b.length - a.length).slice(0, MOST_TOKENIZED);
  }
  return { prompts, longPrompt };
}

// Chat templates add tokens of their own, which only the server knows: messages are counted without them, and what is
// too long by a few tokens is found when it is asked.
function promptsOf({ requests }: ShardRequests): readonly string[] {
  return requests.flatMap(({ request }) => {
    if (request.type === 'choices') {
      return request.pairs.map((pair) => (request.contexts[pair.context] ?? '') + pair.continuation);
    }
    const { prompt } = request;
    return [typeof prompt === 'string' ? prompt : prompt.map(({ content }) => content).join('')];
  });
}

function found(value: Lengths | null): Reply<Lengths | null> {
  return { ok: true, value };
}
