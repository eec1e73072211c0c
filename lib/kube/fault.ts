import { AssayError, type Reason } from '../errors.ts';
import type { Resource } from './resource.ts';

/** How a request failed: the API server's status, the way to it, no answer in time, an answer that is no JSON, or an ERROR in a watch. */
export type FaultKind = 'status' | 'network' | 'deadline' | 'body' | 'event';

/** An error of the Kubernetes API in our words; `status` is HTTP's, 0 where there was none. */
export class ClusterFault extends AssayError {
  readonly kind: FaultKind;
  readonly status: number;

  constructor(
    reason: Reason,
    message: string,
    facts: {
      readonly kind: FaultKind;
      readonly status?: number;
      readonly permanent?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(reason, message, { permanent: facts.permanent ?? false, cause: facts.cause });
    this.kind = facts.kind;
    this.status = facts.status ?? 0;
  }
}

/** What was asked, for messages that name what is missing. */
export interface Asked {
  readonly verb: string;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
}

export interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
}

/** How the names of the policies begin that refuse an old leader's writes. */
const EPOCH_POLICY = 'assay-epoch';

/** The fault that a status means. */
export function faultOf(
  asked: Asked,
  code: number,
  status: Status,
  kind: FaultKind = 'status',
  who = 'our service account',
): ClusterFault {
  const said = status.message ?? `HTTP ${code}`;
  const { reason, permanent, message } = meaningOf(asked, code, said, who);
  return new ClusterFault(reason, message ?? `${doing(asked)}: ${said}`, { kind, status: code, permanent });
}

export function isStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof ClusterFault && thrown.status === status;
}

/** `list pods in namespace "x"`. */
export function doing({ verb, resource, namespace, name }: Asked): string {
  const group = resource.group === '' ? '' : `.${resource.group}`;
  const what = name === undefined ? '' : ` "${name}"`;
  const where = namespace === undefined ? ' in the cluster' : ` in namespace "${namespace}"`;
  return `${verb} ${resource.plural}${group}${what}${where}`;
}

interface Meaning {
  readonly reason: Reason;
  readonly permanent: boolean;
  readonly message?: string;
}

function meaningOf(asked: Asked, code: number, said: string, who: string): Meaning {
  if (said.includes(`ValidatingAdmissionPolicy '${EPOCH_POLICY}`))
    return { reason: 'NOT_LEADER', permanent: false };
  switch (code) {
    case 401:
      return {
        reason: 'CLUSTER_UNAUTHENTICATED',
        permanent: true,
        message: 'the API server does not accept the credentials',
      };
    case 403:
      return forbidden(asked, said, who);
    case 404:
      return { reason: 'NOT_FOUND', permanent: true };
    case 409:
      return { reason: 'CLUSTER_CONFLICT', permanent: false };
    case 408:
    case 410:
    case 429:
      return { reason: 'CLUSTER_UNAVAILABLE', permanent: false };
    default:
      return code >= 500
        ? { reason: 'CLUSTER_UNAVAILABLE', permanent: false }
        : { reason: 'CLUSTER_REFUSED', permanent: true };
  }
}

// 403 is three things: no right, no quota left, or an admission rule; a namespace that is going away is one of the last.
function forbidden(asked: Asked, said: string, who: string): Meaning {
  if (said.includes('exceeded quota')) return { reason: 'CLUSTER_QUOTA', permanent: false };
  if (!/ cannot \S+ resource /.test(said)) return { reason: 'CLUSTER_REFUSED', permanent: true };
  return {
    reason: 'CLUSTER_FORBIDDEN',
    permanent: true,
    message: `${who} may not ${doing(asked)}: ${said}`,
  };
}
