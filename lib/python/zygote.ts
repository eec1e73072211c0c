import { passing, type AssayError } from '@assay/lib/errors';
import type { Channel, Channels } from './channel.ts';
import { FrameReader, isDone, type Done, type Hello } from './frames.ts';

const START_MS = 20_000;
// The zygote ends a run at its wall limit; one that has not answered this long after is stuck.
const ANSWER_MARGIN_MS = 10_000;

/** One Python parent process. It runs one job at a time; when it dies, what it had in hand rejects. */
export class Zygote {
  readonly #reader = new FrameReader();
  #channel: Channel | null = null;
  #pending: { resolve: (frame: Hello | Done) => void; reject: (error: AssayError) => void } | null = null;
  #gone: AssayError | null = null;
  #hello: Hello | null = null;
  runs = 0;

  /** Resolves when the zygote is ready. Rejects with SANDBOX_FAULT when it does not start, and as `Channels.open` does. */
  static async start(channels: Channels, signal: AbortSignal): Promise<Zygote> {
    const zygote = new Zygote();
    const user = {
      read: (chunk: Buffer) => zygote.#read(chunk),
      ended: (how: string) => zygote.#fail(how),
    };
    zygote.#channel = await channels.open(user, signal);
    try {
      const hello = await zygote.#next(START_MS);
      if (isDone(hello)) throw passing('SANDBOX_FAULT', 'the jail answered before it was asked');
      zygote.#hello = hello;
      return zygote;
    } catch (error) {
      zygote.kill();
      throw error;
    }
  }

  get hello(): Hello {
    if (this.#hello === null) throw passing('SANDBOX_FAULT', 'the jail is not ready');
    return this.#hello;
  }

  get alive(): boolean {
    return this.#gone === null;
  }

  /** Rejects with a passing SANDBOX_FAULT when the zygote dies or does not answer in time. */
  async run(frame: Buffer, wallMs: number): Promise<Done> {
    this.runs += 1;
    const answer = this.#next(wallMs + ANSWER_MARGIN_MS);
    this.#channel?.write(frame);
    const done = await answer;
    if (!isDone(done)) throw passing('SANDBOX_FAULT', 'the jail answered out of turn');
    return done;
  }

  /** Ends the zygote and, with it, every child. */
  kill(): void {
    this.#end('the jail was closed');
  }

  /** Resolves when the process is gone. */
  async closed(): Promise<void> {
    await this.#channel?.closed();
  }

  async #next(timeoutMs: number): Promise<Hello | Done> {
    if (this.#gone !== null) throw this.#gone;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Hello | Done>((resolve, reject) => {
        this.#pending = { resolve, reject };
        timer = setTimeout(() => this.#end('the jail does not answer'), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      this.#pending = null;
    }
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#pending?.resolve(frame);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : 'the jail wrote what is no frame');
    }
  }

  #end(why: string): void {
    this.#channel?.kill();
    this.#fail(why);
  }

  #fail(message: string): void {
    this.#gone ??= passing('SANDBOX_FAULT', message);
    this.#pending?.reject(this.#gone);
  }
}
