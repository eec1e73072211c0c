import type { Blob } from '@assay/lib/blob';
import type { Clock } from '@assay/lib/clock';
import type { CheckValue, CheckWork, ServerRecord, TaskPlan, Violation } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import { describeServer, ONE_TOKEN, takesTokenIds, type Profile } from '../generate/profile.ts';
import { decide, NO_TRIES } from '../generate/retry.ts';
import type { Connect, Control, Failure, ModelEndpoint, Prompt, Reply, Servers } from '../ports.ts';
import { measure, type Lengths } from './lengths.ts';
import { judgeProbe } from './probe.ts';
import { probeText, type ProbeText } from './probe-text.ts';

export interface CheckPorts {
  readonly servers: Servers;
  readonly connect: Connect;
  readonly blob: Blob;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** How long a server may fail to answer before that is the answer. */
  readonly patienceMs: number;
  /** How long one question may take. */
  readonly timeoutMs: number;
}

/**
 * Asks the ready server all that the job needs of it, before its first shard. Throws a permanent AssayError that says
 * what is wrong with the server (or with a prompt), a passing one when it should be tried again.
 */
export async function checkServer(
  work: CheckWork,
  ports: CheckPorts,
  signal: AbortSignal,
): Promise<CheckValue> {
  const server = ports.servers.get(work.server);
  if (server?.state !== 'ready') {
    throw passing('UNAVAILABLE', `server ${work.server} is ${server?.state ?? 'not known'}`);
  }
  const plans = await Promise.all(work.tasks.map(({ plan }) => planOf(ports.blob, plan)));
  const endpoint = await ports.connect(server);
  try {
    return await new Check(server, endpoint, ports, signal).run(plans);
  } finally {
    await endpoint.close();
  }
}

async function planOf(blob: Blob, ref: CheckWork['tasks'][number]['plan']): Promise<TaskPlan> {
  return JSON.parse(Buffer.from(await blob.get(ref)).toString('utf8')) as TaskPlan;
}

type Question<T> = (control: Control) => Promise<Reply<T>>;

class Check {
  readonly #server: ServerRecord;
  readonly #endpoint: ModelEndpoint;
  readonly #ports: CheckPorts;
  readonly #signal: AbortSignal;
  readonly #sinceMs: number;

  constructor(server: ServerRecord, endpoint: ModelEndpoint, ports: CheckPorts, signal: AbortSignal) {
    this.#server = server;
    this.#endpoint = endpoint;
    this.#ports = ports;
    this.#signal = signal;
    this.#sinceMs = ports.clock.monotonic();
  }

  async run(plans: readonly TaskPlan[]): Promise<CheckValue> {
    const warnings: string[] = [];
    await this.#checkModel(warnings);
    const completions = plans.filter((plan) => plan.needs.api === 'completions');
    if (plans.length > completions.length) await this.#checkChat();
    if (completions.length > 0) await this.#checkCompletions();
    const profile = await this.#must((control) =>
      describeServer(this.#endpoint, this.#server.model, this.#server, control),
    );
    let tokenIds = false;
    const logprobs = completions.some((plan) => plan.needs.logprobs);
    if (completions.length > 0) {
      tokenIds = await this.#must((control) => takesTokenIds(this.#endpoint, profile, control));
      if (logprobs) await this.#checkLogprobs(tokenIds);
    }
    warnings.push(...(await this.#checkLengths(plans, profile)));
    const { contextLength } = profile;
    return {
      contextLength: contextLength || this.#server.contextLength,
      tokenIds,
      promptLogprobs: logprobs,
      warnings,
    };
  }

  async #checkModel(warnings: string[]): Promise<void> {
    const { model, baseUrl } = this.#server;
    const listed = await this.#ask((control) => this.#endpoint.models(control));
    if (!listed.ok) {
      if (listed.kind !== 'refused') throw this.#refusal(listed);
      warnings.push(`${baseUrl} does not list its models; that it serves "${model}" was not checked`);
      return;
    }
    if (listed.value.some(({ id }) => id === model)) return;
    const names = listed.value.map(({ id }) => id).slice(0, 10);
    const others = names.length === 0 ? 'nothing' : names.join(', ');
    throw new AssayError('ENDPOINT_WRONG_MODEL', `${baseUrl} does not list "${model}"; it lists ${others}`);
  }

  async #checkCompletions(): Promise<void> {
    const reply = await this.#ask((control) => this.#endpoint.complete('1, 2, 3,', ONE_TOKEN, control));
    if (reply.ok) return;
    if (reply.kind !== 'refused') throw this.#refusal(reply);
    const chat = await this.#ask((control) => this.#endpoint.chat(HELLO, ONE_TOKEN, control));
    const { baseUrl } = this.#server;
    if (!chat.ok) throw this.#refusal(reply);
    throw new AssayError(
      'CHAT_ONLY_ENDPOINT',
      `${baseUrl} answers chat and not completions (HTTP ${reply.status}: ${reply.detail}); the job has tasks that need completions`,
    );
  }

  async #checkChat(): Promise<void> {
    await this.#must((control) => this.#endpoint.chat(HELLO, ONE_TOKEN, control));
  }

  // Asked in the way that the job will ask: token ids where the server takes them. Else the answer's texts must also show
  // where tokens begin behind a rare character and a line's end; what is wrong without those is said first.
  async #checkLogprobs(tokenIds: boolean): Promise<void> {
    await this.#probe(probeText(), tokenIds);
    if (!tokenIds) await this.#probe(probeText(SPLIT_LINE), false);
  }

  async #probe(probe: ProbeText, tokenIds: boolean): Promise<void> {
    const { baseUrl } = this.#server;
    const ids = tokenIds ? await this.#must((control) => this.#endpoint.tokenize(probe.text, control)) : null;
    const prompt = ids ?? probe.text;
    const echo = await this.#ask((control) => this.#endpoint.echo(prompt, control));
    const why = echo.ok
      ? judgeProbe(probe, echo.value, ids?.length ?? null)
      : await this.#noLogprobs(prompt, echo);
    if (why !== null) throw new AssayError('LOGPROBS_UNUSABLE', `${baseUrl}: ${why}`);
    if (!echo.ok) throw this.#refusal(echo);
  }

  // Some servers answer 500 to what they do not offer: one that completes the same prompt is not broken.
  async #noLogprobs(prompt: Prompt, { kind, status, detail }: Failure): Promise<string | null> {
    if (kind === 'invalid' || kind === 'refused') return detail;
    if (kind !== 'server-error') return null;
    const plain = await this.#ask((control) => this.#endpoint.complete(prompt, ONE_TOKEN, control));
    return plain.ok ? `HTTP ${status}: ${detail}` : null;
  }

  async #checkLengths(plans: readonly TaskPlan[], profile: Profile): Promise<readonly string[]> {
    const warnings: string[] = [];
    const violations: Violation[] = [];
    for (const plan of plans) {
      const { blob } = this.#ports;
      const lengths = await this.#must((control) => measure(plan, blob, this.#endpoint, profile, control));
      if (lengths === null) continue;
      const message = lengthWords(plan, lengths, profile);
      if (lengths.longPrompt === 'truncate') warnings.push(`${plan.task}: ${message}; truncated on the left`);
      else violations.push({ field: plan.task, message });
    }
    if (violations.length === 0) return warnings;
    const text = violations.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw new AssayError('PROMPT_TOO_LONG', text, { violations });
  }

  async #must<T>(question: Question<T>): Promise<T> {
    const reply = await this.#ask(question);
    if (!reply.ok) throw this.#refusal(reply);
    return reply.value;
  }

  // A failure that may pass is asked again until the patience of the whole check is over.
  async #ask<T>(question: Question<T>): Promise<Reply<T>> {
    const { clock, random, patienceMs, timeoutMs } = this.#ports;
    let tries = NO_TRIES;
    for (;;) {
      const reply = await question({ timeoutMs, signal: this.#signal });
      if (reply.ok) return reply;
      const nowMs = clock.monotonic();
      const moment = { nowMs, random: random(), serverGone: false };
      const decision = decide(reply, tries, { attempts: TRIES, patienceMs }, moment);
      if (decision.next === 'leave') throw passing('UNAVAILABLE', 'the check was given up');
      if (decision.next === 'fault' || nowMs - this.#sinceMs > patienceMs) return reply;
      await clock.sleep(decision.waitMs, this.#signal);
      tries = decision.tries;
    }
  }

  #refusal(failure: Failure): AssayError {
    const { baseUrl } = this.#server;
    const status = failure.status === 0 ? '' : `HTTP ${failure.status}: `;
    const message = `${baseUrl}: ${status}${failure.detail}`;
    switch (failure.kind) {
      case 'unauthorized':
        return new AssayError('ENDPOINT_UNAUTHORIZED', message);
      case 'invalid':
      case 'cut-off':
      case 'too-large':
        return new AssayError('RESPONSE_INVALID', message);
      case 'limited':
        return new AssayError('RATE_LIMITED', message);
      case 'refused':
      case 'too-long':
        return new AssayError('REQUEST_FAILED', message);
      default:
        return new AssayError('ENDPOINT_UNREACHABLE', message);
    }
  }
}

const TRIES = 5;
// A hieroglyph, which vocabularies have no token for.
const SPLIT_LINE = '\u{1318F}\n';
const HELLO = [{ role: 'user', content: 'Hello' }] as const;

function lengthWords(plan: TaskPlan, lengths: Lengths, { contextLength }: Profile): string {
  const { tooLong, more, longestTokens } = lengths;
  const without = plan.needs.api === 'chat' ? ', without the chat template' : '';
  const count = `${more ? 'at least ' : ''}${tooLong} prompt${tooLong === 1 ? '' : 's'}`;
  return (
    `${count} with ${plan.needs.maxTokens} tokens to generate exceed the context of ${contextLength} tokens ` +
    `(the longest has ${longestTokens}${without})`
  );
}
