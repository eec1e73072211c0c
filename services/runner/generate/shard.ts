import type { Generation, PreparedRequest, ShardRequests, ShardWork } from '@assay/lib/domain';
import type { Asker, Lane } from './lane.ts';
import { LaneAsking, type AskingOptions } from './asking.ts';
import { keep, type KeepOptions } from './keep.ts';
import { solveChoices } from './solvers/choices.ts';
import type { Solved } from './solvers/solve.ts';
import { solveText } from './solvers/text.ts';

export interface ShardOptions extends KeepOptions, Omit<AskingOptions, 'lane' | 'asker' | 'stored'> {
  readonly lane: Lane;
  /** Asks nothing new. */
  readonly stop: AbortSignal;
  /** Ends what is under way, answers that wait to be stored included. */
  readonly kill: AbortSignal;
  readonly onPending: (change: 1 | -1) => void;
  /** Called once all requests wait for their turn. */
  readonly onQueued: () => void;
}

/** One sample of a shard. */
interface Sample {
  readonly index: number;
  readonly doc: number;
  readonly repeat: number;
  readonly request: PreparedRequest;
}

/** How many samples were stored and how many are left for another time. */
export interface ShardEnd {
  readonly stored: number;
  readonly left: number;
}

/**
 * Generates what of a shard is not stored yet. `careful`: some of it may be stored, also by someone who works on it
 * right now; each sample is looked up before it is asked for.
 */
export async function generateShard(
  work: ShardWork,
  shard: ShardRequests,
  careful: boolean,
  options: ShardOptions,
): Promise<ShardEnd> {
  const stored = careful ? await options.generations.stored(work) : new Set<string>();
  const nameOf = (sample: Sample) => options.generations.nameOf(work, sample.doc, sample.repeat);
  const open = samplesOf(shard).filter((sample) => !stored.has(nameOf(sample)));
  const run = new ShardRun(work, shard, careful, options);
  await run.describe(open[0]);
  const samples = open.map((sample) => run.sample(sample));
  options.onQueued();
  const ends = await Promise.all(samples);
  const kept = ends.filter(Boolean).length;
  return { stored: kept, left: open.length - kept };
}

function samplesOf(shard: ShardRequests): readonly Sample[] {
  return shard.requests.flatMap(({ doc, repeats, request }, index) =>
    repeats.map((repeat) => ({ index, doc, repeat, request })),
  );
}

class ShardRun {
  readonly #work: ShardWork;
  readonly #shard: ShardRequests;
  readonly #careful: boolean;
  readonly #options: ShardOptions;
  readonly #asker: Asker;

  constructor(work: ShardWork, shard: ShardRequests, careful: boolean, options: ShardOptions) {
    this.#work = work;
    this.#shard = shard;
    this.#careful = careful;
    this.#options = options;
    const { job, maxConcurrency } = work;
    this.#asker = { job, most: maxConcurrency, signal: options.stop, cut: options.kill };
  }

  /** Has the server describe itself before all samples want to know at once. What fails here is met again by each. */
  async describe(sample: Sample | undefined): Promise<void> {
    if (
      sample === undefined ||
      (sample.request.type === 'generate' && typeof sample.request.prompt !== 'string')
    )
      return;
    const { lane } = this.#options;
    const profile = await lane.profile(this.#asker);
    if (profile.ok && sample.request.type === 'choices') await lane.tokenIds(this.#asker, profile.value);
  }

  /** True when the sample is stored. */
  async sample(sample: Sample): Promise<boolean> {
    const { lane, kill, clock, metrics } = this.#options;
    const look = this.#careful ? { stored: () => this.#known(sample) } : {};
    const asking = new LaneAsking({ ...this.#options, lane, asker: this.#asker, ...look });
    const solved = await this.#solve(sample, asking);
    if (asking.found) return true;
    if (solved === null) return false;
    const latencyMs = asking.startedMs === null ? 0 : clock.monotonic() - asking.startedMs;
    metrics.observe(solved.outcome, solved.usage, latencyMs);
    this.#options.onPending(1);
    try {
      return await keep(this.#generation(sample, solved, latencyMs), this.#options, kill);
    } finally {
      this.#options.onPending(-1);
      lane.pump();
    }
  }

  #solve({ request, repeat }: Sample, asking: LaneAsking): Promise<Solved> {
    const { longPrompt } = this.#shard;
    const common = { repeat, seed: this.#work.seed, longPrompt };
    return request.type === 'generate'
      ? solveText({ ...common, request }, asking)
      : solveChoices({ ...common, request }, asking);
  }

  #known({ doc, repeat }: Sample): Promise<boolean> {
    const { generations } = this.#options;
    return generations.has(generations.nameOf(this.#work, doc, repeat));
  }

  #generation({ index, doc, repeat }: Sample, solved: NonNullable<Solved>, latencyMs: number) {
    const { job, task, kind, server, requests, docs } = this.#work;
    const { outcome, usage, truncatedTokens } = solved;
    const head = { v: 1, kind, job, task, doc, repeat, server, requests, docs, index } as const;
    const cut = truncatedTokens > 0 ? { truncatedTokens } : {};
    return { ...head, outcome, usage, latencyMs: Math.round(latencyMs), ...cut } satisfies Generation;
  }
}
