import { createHash } from 'node:crypto';
import type { KubeObject } from '@assay/lib/kube';
import { COMPONENT, MANAGED_BY, PROGRESS_PORT, WEIGHTS, WEIGHTS_LABEL, weightsName } from './names.ts';
import { WEIGHTS_FOLDER, type PlannedWeights } from './plan.ts';
import { envOf, onNode, type Rendering } from './render.ts';
import { ground } from './ground.ts';
import { ownership, weightsVolume } from './storage.ts';

/** What it takes to fetch files. */
const RESOURCES = { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '256Mi' } };
const KEEP_S = 3_600;
/** The exit code of a fault that trying again cannot help. */
const PERMANENT = 2;

/** Weights that every node has for itself are fetched on each. */
export function weightsIdOf(
  weights: Extract<PlannedWeights, { type: 'hub' }>,
  ownNode: string | null,
): string {
  if (ownNode === null) return weights.id;
  return createHash('sha256')
    .update(JSON.stringify([weights.id, ownNode]))
    .digest('hex')
    .slice(0, 16);
}

/** The job that fetches weights: it alone has the hub's token, and a way out. */
export function weightsJobOf(
  rendering: Rendering,
  weights: Extract<PlannedWeights, { type: 'hub' }>,
  id: string,
  node: string | null,
): KubeObject {
  const { plan, operator, anchor } = rendering;
  const stored = weightsVolume(plan, operator, false);
  const labels = { ...MANAGED_BY, [COMPONENT]: WEIGHTS, [WEIGHTS_LABEL]: id };
  const mount = { name: 'weights', mountPath: WEIGHTS_FOLDER };
  const container = {
    name: WEIGHTS,
    image: operator.serviceImage,
    imagePullPolicy: operator.pullPolicy,
    args: ['--max-semi-space-size=4', '--max-old-space-size=96', 'services/scheduler/inside/weights.ts'],
    env: [
      ...envOf({
        ASSAY_WEIGHTS_HUB: operator.hub,
        ASSAY_WEIGHTS_REPO: weights.repo,
        ASSAY_WEIGHTS_REVISION: weights.revision,
        ...(weights.files.length === 0 ? {} : { ASSAY_WEIGHTS_FILES: weights.files.join(',') }),
        ASSAY_WEIGHTS_BYTES: String(weights.bytes),
        ASSAY_WEIGHTS_FOLDER: stored?.folder ?? WEIGHTS_FOLDER,
        ...operator.weightsEnv,
      }),
      ...(operator.hubSecret === undefined
        ? []
        : [
            {
              name: 'HUB_TOKEN',
              valueFrom: { secretKeyRef: { name: operator.hubSecret, key: 'token', optional: true } },
            },
          ]),
    ],
    ports: [{ name: 'progress', containerPort: PROGRESS_PORT }],
    resources: RESOURCES,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [mount, { name: 'tmp', mountPath: '/tmp' }],
  };
  return {
    metadata: {
      name: weightsName(id),
      namespace: operator.namespace,
      labels,
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: anchor.name, uid: anchor.uid }],
    },
    spec: {
      backoffLimit: 3,
      ttlSecondsAfterFinished: KEEP_S,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: WEIGHTS, operator: 'In', values: [PERMANENT] },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          ...ground(operator),
          ...(node === null ? {} : { affinity: onNode(node), tolerations: [{ operator: 'Exists' }] }),
          ...(operator.storage?.type === 'host' || operator.storage?.type === 'node'
            ? { initContainers: [ownership(operator, 'own', [mount])] }
            : {}),
          containers: [container],
          volumes: [...(stored === null ? [] : [stored.volume]), { name: 'tmp', emptyDir: {} }],
        },
      },
    },
  };
}
