interface Run<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  callers: number;
}

/**
 * Callers that ask for the same at the same time share one run. A caller that leaves is told at once; the run is given
 * up when the last has left.
 */
export function shared<T>(): (
  name: string,
  run: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T> {
  const runs = new Map<string, Run<T>>();

  function begin(name: string, run: (signal: AbortSignal) => Promise<T>): Run<T> {
    const stop = new AbortController();
    const begun: Run<T> = { result: run(stop.signal), stop, callers: 0 };
    runs.set(name, begun);
    const over = () => runs.delete(name);
    begun.result.then(over, over);
    return begun;
  }

  return async (name, run, signal) => {
    // One that is being given up still clears away what is its own: the next begins after that.
    for (let old = runs.get(name); old?.stop.signal.aborted === true; old = runs.get(name))
      await old.result.catch(() => undefined);
    signal.throwIfAborted();
    const joined = runs.get(name) ?? begin(name, run);
    joined.callers += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([joined.result, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      joined.callers -= 1;
      if (joined.callers === 0) joined.stop.abort(signal.reason);
    }
  };
}
