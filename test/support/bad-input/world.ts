import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { SERVICES, type ServiceName } from '@assay/cli/local/services';
import type { SubmitJobRequest } from '@assay/proto/assay/v1/job';
import { startStack, uploadFiles, type Stack, type StackOptions } from '../stack.ts';

/** A real stack, and what a test of bad input must see of it. */
export interface World {
  readonly stack: Stack;
  readonly scheduler: string;
  readonly reporter: string;
  readonly sandbox: string;
  readonly token: string;
  /** What a service says of itself when it serves. */
  announced(name: ServiceName): Promise<Announced>;
  /** Last sequence of the KV `assay_jobs` and what it holds: equal when nothing was written. */
  jobsState(): Promise<{ readonly sequence: number; readonly jobs: number }>;
  /** Generations that are stored for a job. */
  generations(job: string): Promise<number>;
  /** Every service is ready, in the very process that was there before, but for one that was ended. Throws with the one that is not. */
  alive(ended?: ServiceName): Promise<void>;
  /** Submits tasks of a folder that was uploaded; gives the job's id. */
  submit(files: Files, request?: Partial<SubmitJobRequest>): Promise<string>;
  /** Files below the state folder whose bytes hold this text, relative. */
  holding(text: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export type Files = Readonly<Record<string, string>>;

export interface Announced {
  readonly pid: number;
  readonly ops: string;
  readonly rpc?: string;
}

export async function startWorld(options: StackOptions): Promise<World> {
  const stack = await startStack(options);
  const { layout } = stack;
  const json = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as unknown;
  const announced = async (name: ServiceName) =>
    (await json(path.join(layout.run, `${name}.json`))) as Announced;
  const client = (await json(layout.clientFile)) as { scheduler: string; reporter: string; token: string };
  const { nats: port } = (await json(layout.portsFile)) as { nats: number };
  const nats: NatsConnection = await connect({ servers: `127.0.0.1:${port}`, token: client.token });
  const streams = (await nats.jetstreamManager()).streams;
  const started = new Map(
    await Promise.all(SERVICES.map(async (name) => [name, await announced(name)] as const)),
  );
  let submits = 0;
  return {
    stack,
    scheduler: client.scheduler,
    reporter: client.reporter,
    sandbox: started.get('sandbox')?.rpc ?? '',
    token: client.token,
    announced,
    async jobsState() {
      const { state } = await streams.info('KV_assay_jobs');
      return { sequence: state.last_seq, jobs: state.messages };
    },
    async generations(job) {
      const filter = `assay.p0.generations.*.${job}.>`;
      const { state } = await streams.info('GENERATIONS_p0', { subjects_filter: filter });
      return Object.keys(state.subjects ?? {}).length;
    },
    async alive(ended) {
      for (const [name, { pid }] of started) {
        const now = await announced(name);
        if (now.pid !== pid && name !== ended) throw new Error(`${name} was started again`);
        const ready = await fetch(`http://${now.ops}/readyz`);
        if (!ready.ok) throw new Error(`${name} is not ready: ${await ready.text()}`);
        await ready.body?.cancel();
        started.set(name, now);
      }
    },
    async submit(files, request = {}) {
      submits += 1;
      const bundle = await uploadFiles(stack, files);
      const job = await stack.submit({ requestId: `s${submits}`, bundle, ...request });
      return job.id;
    },
    async holding(text) {
      const names = await readdir(layout.root, { recursive: true, withFileTypes: true });
      const files = names
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
      const found = await Promise.all(
        files.map(async (file) => {
          const content = await readFile(file).catch(() => Buffer.alloc(0));
          return content.includes(text) ? [path.relative(layout.root, file)] : [];
        }),
      );
      return found.flat();
    },
    async stop() {
      await nats.close();
      await stack.stop();
    },
  };
}
