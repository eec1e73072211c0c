/** Runs while somebody else has the word; `signal` aborts when nothing was heard for so long. */
export interface Silence {
  readonly signal: AbortSignal;
  /** From now on. */
  listen(): void;
  /** It is our turn: time does not count. */
  pause(): void;
}

export function silence(ms: number, reason: () => Error): Silence {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const pause = () => clearTimeout(timer);
  const listen = () => {
    pause();
    timer = setTimeout(() => over.abort(reason()), ms);
  };
  return { signal: over.signal, listen, pause };
}
