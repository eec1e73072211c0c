import { EXECUTION_BOUNDS } from '@assay/lib/domain';
import type { Submission } from './submission.ts';

/** What ended a run; `output`: it wrote more than it may. The zygote decides; the other end of `jail/frames.py`. */
export type EndedBy = 'itself' | 'wall' | 'cpu' | 'output';

/** What the zygote says about itself when it is ready. */
export interface Hello {
  readonly python: string;
  /** ABI version, 0 for none. */
  readonly landlock: number;
  readonly seccomp: boolean;
  readonly namespaces: readonly string[];
  readonly uid: number;
  readonly fault?: string;
}

/** One run, as the zygote saw it. Wait statuses are the kernel's; `judge` is null when there was none. */
export interface Done {
  readonly id: number;
  readonly program: number;
  readonly judge: number | null;
  readonly endedBy: EndedBy;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly maxRssBytes: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** What the child said about its end: a hint, never believed for a pass. */
  readonly ending: Buffer;
  /** What the judge wrote: believed only with the run's nonce. */
  readonly verdict: Buffer;
}

const JOB_BYTES = 40;
const HELLO_BYTES = 8;
const DONE_BYTES = 60;
const KIND_HELLO = 1;
const KIND_DONE = 2;
// Two outputs in full, and what else the zygote says.
const MOST_BYTES = 2 * EXECUTION_BOUNDS.outputBytes.most + 1024 * 1024;
const ENDINGS: readonly EndedBy[] = ['itself', 'wall', 'cpu', 'output'];

/** A job for the zygote. The nonce goes to the judge alone. */
export function jobFrame(id: number, submission: Submission, nonce: string): Buffer {
  const source = Buffer.from(submission.source);
  const stdin = Buffer.from(submission.stdin ?? []);
  const judge =
    submission.tests === undefined
      ? Buffer.alloc(0)
      : Buffer.from(JSON.stringify({ ...testsOf(submission.tests), nonce }));
  const { cpuMs, wallMs, outputBytes, memoryBytes } = submission.limits;
  const header = Buffer.alloc(JOB_BYTES);
  [id, cpuMs, wallMs, source.length, stdin.length, judge.length].forEach((value, n) =>
    header.writeUInt32LE(Math.ceil(value), n * 4),
  );
  header.writeBigUInt64LE(BigInt(Math.ceil(outputBytes)), 24);
  header.writeBigUInt64LE(BigInt(Math.ceil(memoryBytes)), 32);
  return Buffer.concat([header, source, stdin, judge]);
}

function testsOf(tests: NonNullable<Submission['tests']>) {
  return { tests: tests.source, entry: tests.entry, helpers: tests.helpers };
}

/** Cuts what the zygote writes into frames, however it arrives. Throws when it cannot be one of its frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wanted = HELLO_BYTES;

  *push(chunk: Buffer): Generator<Hello | Done> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= this.#wanted) {
      const data = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [data];
      const size = frameBytes(data);
      if (size > MOST_BYTES) throw new Error(`the zygote wrote a frame of ${size} bytes`);
      if (size > data.length) {
        this.#wanted = size;
        return;
      }
      this.#chunks = [data.subarray(size)];
      this.#bytes -= size;
      this.#wanted = HELLO_BYTES;
      yield data.readUInt32LE(0) === KIND_HELLO
        ? readHello(data.subarray(0, size))
        : readDone(data.subarray(0, size));
    }
  }
}

export function isDone(frame: Hello | Done): frame is Done {
  return 'endedBy' in frame;
}

function frameBytes(data: Buffer): number {
  const kind = data.readUInt32LE(0);
  if (kind === KIND_HELLO) return HELLO_BYTES + data.readUInt32LE(4);
  if (kind !== KIND_DONE) throw new Error(`the zygote wrote a frame of kind ${kind}`);
  if (data.length < DONE_BYTES) return DONE_BYTES;
  return DONE_BYTES + [44, 48, 52, 56].reduce((sum, at) => sum + data.readUInt32LE(at), 0);
}

function readHello(frame: Buffer): Hello {
  const hello: Hello = JSON.parse(frame.subarray(HELLO_BYTES).toString('utf8'));
  return hello;
}

function readDone(frame: Buffer): Done {
  let at = DONE_BYTES;
  const take = (lengthAt: number): Buffer => {
    const length = frame.readUInt32LE(lengthAt);
    at += length;
    return frame.subarray(at - length, at);
  };
  const judge = frame.readInt32LE(12);
  return {
    id: frame.readUInt32LE(4),
    program: frame.readInt32LE(8),
    judge: judge === -1 ? null : judge,
    endedBy: ENDINGS[frame.readUInt32LE(16)] ?? 'itself',
    cpuMs: Number(frame.readBigUInt64LE(20)) / 1000,
    wallMs: Number(frame.readBigUInt64LE(28)) / 1000,
    maxRssBytes: Number(frame.readBigUInt64LE(36)),
    stdout: take(44),
    stderr: take(48),
    ending: take(52),
    verdict: take(56),
  };
}
