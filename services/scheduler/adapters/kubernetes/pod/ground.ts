import type { Operator } from '../servers-file.ts';
import { SERVER_UID } from './storage.ts';

/** What every pod in the servers' namespace stands on: its account, which may do nothing, and its one user. */
export function ground(operator: Operator) {
  return {
    serviceAccountName: operator.serviceAccount,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(operator.pullSecrets.length === 0
      ? {}
      : { imagePullSecrets: operator.pullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: SERVER_UID,
      runAsGroup: SERVER_UID,
      fsGroup: SERVER_UID,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}
