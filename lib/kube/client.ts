import { systemClock, type Clock } from '../clock.ts';
import { openCaller, type Call, type CallerOptions } from './caller.ts';
import { isStatus, type Asked } from './fault.ts';
import { apiVersionOf, pathOf, type KubeObject, type Place, type Resource } from './resource.ts';
import type { Outgoing } from './transport.ts';
import { watchEvents, type WatchEvent } from './watch.ts';

export interface Write extends Call {
  /** The server does everything but store it. */
  readonly dryRun?: boolean;
}

/** Which objects of a kind; of all namespaces when none is named. */
export interface Select {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  /** Asks for the next page; empty after the last. */
  readonly continue: string;
}

/** What is deleted: that object and no other of its name, at that version when one is given. */
export interface Precondition {
  readonly uid: string;
  readonly resourceVersion?: string;
}

/**
 * The Kubernetes API as raw JSON. Every method throws with a reason of ours, waits for its turn by the token bucket,
 * and sends again what was answered 429, after the time that the server names.
 */
export interface KubeClient {
  /** Null when there is none. */
  get(resource: Resource, at: Place, call?: Call): Promise<KubeObject | null>;
  list(resource: Resource, query: Select & ListPage, call?: Call): Promise<Page>;
  watch(
    resource: Resource,
    query: Select & WatchFrom,
    call: Call & { readonly quietMs: number },
  ): AsyncIterable<WatchEvent>;
  /** Also for reviews (TokenReview, SubjectAccessReview), which are created to be answered. */
  create(resource: Resource, namespace: string | undefined, body: object, write?: Write): Promise<KubeObject>;
  /** Compare-and-set by the resource version in `object`. */
  replace(resource: Resource, object: KubeObject, write?: Write): Promise<KubeObject>;
  /** Server-side apply: our fields become exactly these, whoever else had set them. */
  apply(resource: Resource, object: KubeObject, write?: Write): Promise<KubeObject>;
  /** A JSON merge patch. */
  patch(resource: Resource, at: Place, patch: object, write?: Write): Promise<KubeObject>;
  /** What hangs on the object goes after it. */
  delete(resource: Resource, at: Place, only: Precondition, write?: Write): Promise<'deleted' | 'gone'>;
  close(): void;
}

export interface ListPage {
  readonly limit: number;
  readonly continue?: string;
}

export interface WatchFrom {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

const FIELD_MANAGER = 'assay-scheduler';

export function openKubeClient(
  options: Omit<CallerOptions, 'clock'> & { readonly clock?: Clock },
): KubeClient {
  const caller = openCaller({ clock: systemClock, ...options });
  const write = (
    asked: Asked,
    method: Outgoing['method'],
    body: object,
    call: Write,
    more: { readonly contentType?: string; readonly force?: boolean } = {},
  ) => {
    const query = {
      fieldManager: FIELD_MANAGER,
      fieldValidation: 'Strict',
      dryRun: call.dryRun === true ? 'All' : undefined,
      force: more.force,
    };
    const outgoing: Outgoing = {
      method,
      path: pathOf(asked.resource, asked) + queryOf(query),
      body: JSON.stringify(body),
      ...(more.contentType === undefined ? {} : { contentType: more.contentType }),
      ...(call.guard === undefined ? {} : { guard: call.guard }),
    };
    return caller.answer<KubeObject>(asked, outgoing, call);
  };

  return {
    async get(resource, at, call = {}) {
      const asked = askedOf('get', resource, at);
      return orNone(caller.answer<KubeObject>(asked, { method: 'GET', path: pathOf(resource, at) }, call));
    },
    async list(resource, query, call = {}) {
      const asked = askedOf('list', resource, query);
      const path = pathOf(resource, asked) + queryOf({ ...query, namespace: undefined });
      const { items, metadata } = await caller.answer<RawList>(asked, { method: 'GET', path }, call);
      return {
        items: items ?? [],
        resourceVersion: metadata?.resourceVersion ?? '',
        continue: metadata?.continue ?? '',
      };
    },
    watch(resource, query, call) {
      const asked = askedOf('watch', resource, query);
      const how = { namespace: undefined, watch: true, allowWatchBookmarks: true };
      const path = pathOf(resource, asked) + queryOf({ ...query, ...how });
      return watchEvents(caller, asked, path, call);
    },
    create(resource, namespace, body, call = {}) {
      const asked = askedOf('create', resource, namespace === undefined ? {} : { namespace });
      return write(asked, 'POST', typed(resource, body), call);
    },
    replace(resource, object, call = {}) {
      return write(askedOf('update', resource, object.metadata), 'PUT', typed(resource, object), call);
    },
    apply(resource, object, call = {}) {
      const asked = askedOf('patch', resource, object.metadata);
      const how = { contentType: 'application/apply-patch+yaml', force: true };
      return write(asked, 'PATCH', typed(resource, object), call, how);
    },
    patch(resource, at, patch, call = {}) {
      const how = { contentType: 'application/merge-patch+json' };
      return write(askedOf('patch', resource, at), 'PATCH', patch, call, how);
    },
    async delete(resource, at, only, call = {}) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: only,
        propagationPolicy: 'Background',
        ...(call.dryRun === true ? { dryRun: ['All'] } : {}),
      };
      const outgoing: Outgoing = {
        method: 'DELETE',
        path: pathOf(resource, at),
        body: JSON.stringify(body),
        ...(call.guard === undefined ? {} : { guard: call.guard }),
      };
      const answer = await orNone(caller.answer<object>(askedOf('delete', resource, at), outgoing, call));
      return answer === null ? 'gone' : 'deleted';
    },
    close: () => caller.close(),
  };
}

interface RawList {
  readonly items?: readonly KubeObject[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

function askedOf(verb: string, resource: Resource, { namespace, name }: Partial<Place>): Asked {
  return {
    verb,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

function typed(resource: Resource, body: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...body };
}

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query.toString()}`;
}

async function orNone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
}
