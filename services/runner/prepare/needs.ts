import type { PlanNeeds, PreparedRequest, Scoring } from '@assay/lib/domain';

const BYTES_PER_TOKEN = 4;
const LARGEST_MESSAGE_BYTES = 256 * 1024;
// Subject, headers, JSON around the answer, blob references: a generation's took 560 bytes with short names.
const GENERATION_BYTES = 800;
const SCORE_BYTES = 1_200;
const CHOICE_BYTES = 40;

/** What a task asks of the server and of the ledgers, added up document by document. */
export class NeedsTally {
  readonly #scoring: Scoring;
  #longestPromptChars = 0;
  #promptChars = 0;
  #maxTokens = 1;
  #logprobs = false;
  #ledgerBytes = 0;

  constructor(scoring: Scoring) {
    this.#scoring = scoring;
  }

  add(request: PreparedRequest): void {
    const { repeats } = this.#scoring;
    for (const chars of promptsOf(request)) {
      this.#longestPromptChars = Math.max(this.#longestPromptChars, chars);
      this.#promptChars += chars * repeats;
    }
    if (request.type === 'choices') this.#logprobs = true;
    else this.#maxTokens = Math.max(this.#maxTokens, request.settings.maxTokens);
    this.#ledgerBytes += ledgerBytes(request, this.#scoring);
  }

  needs(api: 'completions' | 'chat'): PlanNeeds {
    return {
      api,
      logprobs: this.#logprobs,
      longestPromptChars: this.#longestPromptChars,
      maxTokens: this.#maxTokens,
      ledgerBytes: this.#ledgerBytes,
      promptChars: this.#promptChars,
    };
  }
}

/**
 * Bytes that a document will take in both ledgers: for each repeat a generation (800 and its answer: 4 bytes for each
 * token it may have, at most a message of 256 KiB, or 40 for each choice), and for each score 1,200 and the filtered
 * answer once for every pipeline. An estimate from above: jobs are admitted by it.
 */
export function ledgerBytes(request: PreparedRequest, scoring: Scoring): number {
  const { repeats, per, pipelines } = scoring;
  const answer =
    request.type === 'choices'
      ? request.pairs.length * CHOICE_BYTES
      : Math.min(LARGEST_MESSAGE_BYTES, request.settings.maxTokens * BYTES_PER_TOKEN);
  const answers = per === 'sample' ? 1 : repeats;
  const score =
    SCORE_BYTES + Math.min(LARGEST_MESSAGE_BYTES, answers * answer * Math.max(1, pipelines.length));
  return repeats * (GENERATION_BYTES + answer) + (per === 'sample' ? repeats : 1) * score;
}

function promptsOf(request: PreparedRequest): readonly number[] {
  if (request.type === 'choices') {
    return request.pairs.map(
      (pair) => (request.contexts[pair.context]?.length ?? 0) + pair.continuation.length,
    );
  }
  if (typeof request.prompt === 'string') return [request.prompt.length];
  return [request.prompt.reduce((sum, message) => sum + message.content.length, 0)];
}
