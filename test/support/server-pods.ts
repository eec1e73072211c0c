/** What a test changes of a pod: fields of its spec and of its container, labels. */
export interface PodPatch {
  readonly spec?: object;
  readonly container?: object;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A model server's pod as a scheduler makes it for a Tenstorrent board, cut down to what admission looks at. */
export function modelServerPod({ spec, container, labels }: PodPatch = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'server-0123456789abcdef', labels: { ...labelsOf('model-server'), ...labels } },
    spec: {
      serviceAccountName: 'assay-model-server',
      automountServiceAccountToken: false,
      hostIPC: true,
      containers: [
        {
          name: 'server',
          image: 'ghcr.io/tenstorrent/tt-inference-server/vllm:0.9',
          resources: {
            limits: { 'tenstorrent.com/n150': '1', memory: '64Gi', 'hugepages-1Gi': '32Gi', cpu: '6' },
          },
          ...container,
        },
      ],
      initContainers: [{ name: 'watch', image: 'assay/service:0.1.0', restartPolicy: 'Always' }],
      volumes: [
        { name: 'weights', hostPath: { path: '/var/lib/weights/llama' } },
        { name: 'cache', hostPath: { path: '/var/lib/cache/0123456789abcdef' } },
        { name: 'hugepages', emptyDir: { medium: 'HugePages-1Gi' } },
        { name: 'spec', configMap: { name: 'server-0123456789abcdef' } },
      ],
      ...spec,
    },
  };
}

/** The job that fetches weights. */
export function weightsJob({ spec, container, labels }: PodPatch = {}): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'weights-0123456789abcdef', labels: labelsOf('weights') },
    spec: {
      template: {
        metadata: { labels: { ...labelsOf('weights'), ...labels } },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: 'assay-model-server',
          automountServiceAccountToken: false,
          containers: [{ name: 'weights', image: 'assay/service:0.1.0', ...container }],
          volumes: [{ name: 'weights', hostPath: { path: '/var/lib/weights' } }],
          ...spec,
        },
      },
    },
  };
}

function labelsOf(component: string): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': 'assay', 'app.kubernetes.io/component': component };
}
