/** One of the jail's parent processes, wherever it runs: bytes to it, bytes from it, and its end. */
export interface Channel {
  write(frame: Buffer): void;
  /** Ends the process and, with it, everything below. */
  kill(): void;
  /** Resolves when the process is gone, or its connection is. */
  closed(): Promise<void>;
}

/** Whoever uses a channel. */
export interface ChannelUser {
  read(chunk: Buffer): void;
  /** Called when nothing more comes, with what is known of the reason. */
  ended(how: string): void;
}

/** Where the jail's processes are started. */
export interface Channels {
  /** Starts one. Rejects with UNAVAILABLE (passing) when there is nobody to start it, or `signal` aborts before there is. */
  open(user: ChannelUser, signal: AbortSignal): Promise<Channel>;
}
