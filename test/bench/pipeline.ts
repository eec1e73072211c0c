import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobState, type Job } from '@assay/proto/assay/v1/job';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { HOME, startStack, uploadFiles, type Stack } from '../support/stack.ts';
import { bareClient } from './bare-client.ts';
import { lmEval, runLmEval } from './lm-eval.ts';
import { cpuSeconds, rssMib } from './processes.ts';
import { shortTask, wordProblems, type Files } from './workload.ts';

const SERVICES = ['scheduler', 'runner', 'sandbox', 'reporter', 'nats'] as const;
type Rss = Record<(typeof SERVICES)[number], number>;

/** The pipeline against a scripted server on the same cores, and lm_eval beside it with the same server, YAML and data. */
export async function run(): Promise<{ figures: Record<string, number>; ratios: Record<string, number> }> {
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const only = process.argv.slice(3);
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    throughput: () => throughput(figures),
    memory: () => memory(figures),
    latency: () => latency(figures, ratios),
    lm_eval: () => againstLmEval(figures, ratios),
  };
  for (const [name, part] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const startedAt = performance.now();
    await part();
    console.error(`${name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  }
  return { figures, ratios };
}

async function throughput(figures: Record<string, number>): Promise<void> {
  await withStack(async (stack, server) => {
    // The first job warms code and connections.
    await evaluate(stack, server, shortTask('warm', 500), 'warm');
    const job = await evaluate(stack, server, shortTask('short', 20_000), 'short');
    figures['samples_per_s'] = 20_000 / seconds(job, JobState.QUEUED, JobState.SUCCEEDED);
    figures['prepare_s'] = seconds(job, JobState.PREPARING, JobState.QUEUED);
  });
}

/**
 * The most that each service holds during a job of 10,000 samples and then, in the same processes, during one of 100,000.
 * The reporter's figure has PGlite in it. The broker is looked at once its block caches are empty again.
 */
async function memory(figures: Record<string, number>): Promise<void> {
  await withStack(async (stack, server) => {
    await evaluate(stack, server, shortTask('warm', 2_000), 'warm');
    const rss: Rss[] = [];
    const live: number[] = [];
    for (const docs of [10_000, 100_000]) {
      const sampled = peak(stack);
      await evaluate(stack, server, shortTask(`short${docs}`, docs), `short${docs}`);
      rss.push(await sampled.stop());
      await sleep(15_000);
      live.push(await rssMib(stack.supervisor.children.get('nats')?.pid()));
    }
    const [small, large] = rss;
    if (small === undefined || large === undefined) return;
    for (const name of SERVICES) {
      figures[`rss_mib_${name}_10k`] = small[name];
      figures[`rss_mib_${name}_100k`] = large[name];
      figures[`rss_mib_${name}_growth`] = large[name] - small[name];
    }
    figures['broker_bytes_per_live_sample'] = (((live[1] ?? 0) - (live[0] ?? 0)) * 1024 * 1024) / 100_000;
  });
}

async function latency(figures: Record<string, number>, ratios: Record<string, number>): Promise<void> {
  await withStack(async (stack, server) => {
    await evaluate(stack, server, shortTask('warm', 500), 'warm');
    await server.set({ delayMs: 400 });
    const slow = await generateStage(stack, server, shortTask('slow', 25_600), 'slow');
    figures['generate_400ms_per_s'] = 25_600 / slow;
    ratios['ideal_fraction_400ms'] = 25_600 / slow / 640;
    await server.set({ delayMs: 50 });
    const bare = await bareClient(server.url, { requests: 25_600, concurrency: 256 });
    const fast = await generateStage(stack, server, shortTask('fast', 25_600), 'fast');
    figures['bare_client_50ms_per_s'] = bare;
    figures['generate_50ms_per_s'] = 25_600 / fast;
    ratios['vs_bare_client_50ms'] = 25_600 / fast / bare;
  });
}

async function againstLmEval(figures: Record<string, number>, ratios: Record<string, number>): Promise<void> {
  const files = wordProblems('words', 1_319);
  const command = lmEval(path.join(HOME, '.assay'));
  const cold = performance.now();
  await withStack(async (stack, server) => {
    await evaluate(stack, server, files, 'words');
    const coldS = (performance.now() - cold) / 1_000;
    const before = await cpuOf(stack);
    const startedAt = performance.now();
    await evaluate(stack, server, { ...files, 'again.txt': 'another bundle' }, 'words');
    const warmS = (performance.now() - startedAt) / 1_000;
    const cpuS = (await cpuOf(stack)) - before;
    const theirs = await runLmEval(
      command,
      files,
      { tasks: 'words', url: server.url, model: 'scripted', concurrent: 64 },
      async (_, run_) => run_,
    );
    Object.assign(figures, {
      assay_warm_s: warmS,
      assay_cold_s: coldS,
      assay_cpu_s: cpuS,
      lm_eval_s: theirs.wallS,
      lm_eval_cpu_s: theirs.cpuS,
    });
    ratios['vs_lm_eval_wall'] = theirs.wallS / warmS;
    ratios['vs_lm_eval_wall_cold'] = theirs.wallS / coldS;
    ratios['vs_lm_eval_cpu'] = theirs.cpuS / cpuS;
  });
}

async function withStack(use: (stack: Stack, server: ModelServer) => Promise<void>): Promise<void> {
  const server = await startModelServer({ ownProcess: true });
  try {
    const stack = await startStack();
    try {
      await use(stack, server);
    } finally {
      await stack.stop();
    }
  } finally {
    await server.stop();
  }
}

let requests = 0;

async function evaluate(stack: Stack, server: ModelServer, files: Files, task: string): Promise<Job> {
  const bundle = await uploadFiles(stack, files);
  const { id } = await stack.submit({
    requestId: `bench-${++requests}`,
    target: { $case: 'endpoint', value: { baseUrl: server.url, model: 'scripted', apiKey: '' } },
    tasks: [{ name: task, genKwargsJson: '' }],
    bundle,
  });
  const job = await stack.finished(id, 600_000);
  if (job.state !== JobState.SUCCEEDED)
    throw new Error(`job ${id} ${job.state}: ${job.reason}: ${job.detail}`);
  return job;
}

/** Seconds from the first request to the last answer, as the server saw them; the check before the stage is not of it. */
async function generateStage(stack: Stack, server: ModelServer, files: Files, task: string): Promise<number> {
  await server.resetCounts();
  const job = await evaluate(stack, server, files, task);
  const { prompts } = await server.requests();
  const runningAt = Date.parse(job.transitions.find((edge) => edge.to === JobState.RUNNING)?.time ?? '');
  const asked = Object.values(prompts).filter((prompt) => prompt.firstAskedAt >= runningAt);
  const first = asked.reduce((least, prompt) => Math.min(least, prompt.firstAskedAt), Infinity);
  const last = asked.reduce((most, prompt) => Math.max(most, prompt.lastAnsweredAt), 0);
  return (last - first) / 1_000;
}

function seconds(job: Job, from: JobState, to: JobState): number {
  const at = (state: JobState) => Date.parse(job.transitions.find((edge) => edge.to === state)?.time ?? '');
  return (at(to) - at(from)) / 1_000;
}

/** The most that each process held, looked at five times a second. */
function peak(stack: Stack): { stop(): Promise<Rss> } {
  const most: Rss = { scheduler: 0, runner: 0, sandbox: 0, reporter: 0, nats: 0 };
  let going = true;
  const watching = (async () => {
    while (going) {
      for (const name of SERVICES)
        most[name] = Math.max(most[name], await rssMib(stack.supervisor.children.get(name)?.pid()));
      await sleep(200);
    }
  })();
  return {
    async stop() {
      going = false;
      await watching;
      return most;
    },
  };
}

async function cpuOf(stack: Stack): Promise<number> {
  const each = await Promise.all(
    SERVICES.map((name) => cpuSeconds(stack.supervisor.children.get(name)?.pid())),
  );
  return each.reduce((sum, s) => sum + s, 0);
}
