import { DEADLINE_MS, jsonOf, lateFault, ourFault, type Call, type Caller } from './caller.ts';
import { faultOf, type Asked, type Status } from './fault.ts';
import { linesOf } from './lines.ts';
import type { KubeObject } from './resource.ts';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
}

/**
 * The events of one watch until the server closes it. A connection on which nothing comes for `quietMs` is taken for
 * dead: bookmarks come about every minute. `deadlineMs` is for the beginning of the answer.
 */
export async function* watchEvents(
  caller: Caller,
  asked: Asked,
  path: string,
  call: Call & { readonly quietMs: number },
): AsyncGenerator<WatchEvent> {
  const end = new AbortController();
  const signal = call.signal === undefined ? end.signal : AbortSignal.any([call.signal, end.signal]);
  const within = (ms: number) => setTimeout(() => end.abort(lateFault(asked, ms)), ms);
  let timer = within(call.deadlineMs ?? DEADLINE_MS);
  try {
    const response = await caller.open(asked, { method: 'GET', path }, signal);
    const alive = () => {
      clearTimeout(timer);
      timer = within(call.quietMs);
    };
    alive();
    for await (const line of linesOf(heard(response, alive))) yield eventOf(asked, line);
  } catch (error) {
    throw ourFault(asked, error, signal);
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

async function* heard(chunks: AsyncIterable<Buffer>, alive: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    alive();
    yield chunk;
  }
}

function eventOf(asked: Asked, line: string): WatchEvent {
  const event = jsonOf<{ readonly type: string; readonly object: KubeObject & Status }>(asked, line);
  if (event.type === 'ERROR') throw faultOf(asked, event.object.code ?? 500, event.object, 'event');
  return event as WatchEvent;
}
