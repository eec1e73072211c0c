import { AssayError, type Reason } from '@assay/lib/errors';
import { plain } from './view/plain.ts';

/** What the process ends with; `assay --help` lists them. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, cancelled: 4, interrupted: 130 } as const;

const HINTS: Readonly<Partial<Record<Reason, string>>> = {
  UNAVAILABLE: 'is it running? `assay local status` says so for a local one',
  CLUSTER_UNAVAILABLE: '`kubectl cluster-info` says whether the cluster of the context answers',
  CLUSTER_UNAUTHENTICATED: 'log in to the cluster again; `kubectl auth whoami` says who you are there',
  CLUSTER_FORBIDDEN: '`kubectl auth can-i --list --namespace NAMESPACE` says what you may',
  TIMED_OUT: 'try again; `assay local status` says whether the services are ready',
  UNKNOWN_TASK: '`assay tasks` lists the tasks; --tasks-dir adds your own',
  UNKNOWN_MODEL: '`assay models` lists the models; --endpoint names a server of your own',
  UNKNOWN_DEVICE: '`assay models` shows which devices a model runs on',
  REQUEST_ID_REUSED: 'leave --request-id out to get a new one',
  MESSAGE_TOO_LARGE: 'send large data with --tasks-dir',
};

export function exitCodeOf(error: AssayError): number {
  switch (error.reason) {
    case 'UNAVAILABLE':
    case 'TIMED_OUT':
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
    case 'CLUSTER_UNAVAILABLE':
    case 'CLUSTER_UNAUTHENTICATED':
    case 'CLUSTER_FORBIDDEN':
      return EXIT.unreachable;
    default:
      return EXIT.failed;
  }
}

/** An error for a person: what is wrong, every field, what to do. */
export function errorLines(error: AssayError): string[] {
  const known = error.violations.length > 0;
  // The message repeats the violations for those who see nothing else.
  const message = known ? (error.message.split(': ')[0] ?? error.message) : error.message;
  const hint = HINTS[error.reason];
  return [
    `assay: ${plain(message)} (${error.reason})`,
    ...error.violations.map(({ field, message: what }) => `  ${plain(field)}: ${plain(what)}`),
    ...(hint === undefined || /assay local|`kubectl /.test(error.message) ? [] : [`  ${hint}`]),
  ];
}

export function errorJson(error: AssayError): string {
  const { reason, message, violations } = error;
  return JSON.stringify({ error: { reason, message, violations } });
}
