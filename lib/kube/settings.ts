import { settings } from '../config/index.ts';

/** Settings of a service that asks the Kubernetes API. */
export const kubeShape = {
  /** A kubeconfig; a pod uses its service account without one. */
  KUBECONFIG: settings.text.optional(),
  /** Requests a second, and at once after a quiet time; the Lease has a lane of its own. */
  KUBE_QPS: settings.integer.default(20),
  KUBE_BURST: settings.integer.default(30),
} as const;
