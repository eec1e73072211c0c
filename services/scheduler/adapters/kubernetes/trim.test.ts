import { describe, expect, it } from 'vitest';
import { trimNode } from './trim-node.ts';
import { isOwn, trimPod } from './trim-pod.ts';

const metadata = {
  name: 'a',
  namespace: 'models',
  uid: 'u',
  resourceVersion: '7',
  managedFields: [{ manager: 'x' }],
};
const requesting = (cpu: string, more = {}) => ({
  image: 'i',
  resources: { requests: { cpu } },
  ...more,
});

describe('trimPod', () => {
  it('keeps of a foreign pod what it takes from its node, and nothing else', () => {
    const pod = trimPod({
      metadata: { ...metadata, labels: { app: 'theirs' } },
      spec: {
        nodeName: 'n1',
        containers: [
          { resources: { requests: { cpu: '100m', memory: '1Gi', 'tenstorrent.com/n150': '1' } } },
          requesting('1'),
        ],
      },
      status: { phase: 'Running', podIP: '10.0.0.1' },
    });
    expect(pod).toEqual({
      name: 'a',
      namespace: 'models',
      uid: 'u',
      resourceVersion: '7',
      node: 'n1',
      phase: 'Running',
      requests: { cpu: 1.1, memory: 2 ** 30, 'tenstorrent.com/n150': 1 },
    });
    expect(isOwn(pod)).toBe(false);
  });

  it('counts side-cars with the containers, and the largest step of the start when it is more', () => {
    const spec = {
      overhead: { cpu: '1' },
      containers: [requesting('2')],
      initContainers: [requesting('1', { restartPolicy: 'Always' }), requesting('5'), requesting('1')],
    };
    expect(trimPod({ metadata, spec }).requests).toEqual({ cpu: 7 });
  });

  it('keeps of our own how each container is doing', () => {
    const pod = trimPod({
      metadata: {
        ...metadata,
        labels: { 'app.kubernetes.io/managed-by': 'assay' },
        annotations: { 'assay.dev/epoch': '3', 'cni.example/ips': 'long' },
        deletionTimestamp: '2026-01-01T00:00:00Z',
      },
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: 't' }],
        containerStatuses: [
          {
            name: 'server',
            restartCount: 2,
            imageID: 'sha256:1',
            state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
            lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
          },
        ],
      },
    });
    expect(pod).toMatchObject({
      annotations: { 'assay.dev/epoch': '3' },
      deleting: true,
      conditions: [{ type: 'PodScheduled', status: 'True', reason: '', message: '' }],
      containers: [
        {
          restarts: 2,
          reason: 'CrashLoopBackOff',
          exitCode: null,
          lastReason: 'OOMKilled',
          lastExitCode: 137,
        },
      ],
    });
    expect(isOwn(pod)).toBe(true);
  });
});

describe('trimNode', () => {
  it('keeps what placement asks', () => {
    const node = trimNode({
      metadata: { name: 'n1', uid: 'u', resourceVersion: '9', labels: { zone: 'a' } },
      spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }] },
      status: {
        allocatable: { cpu: '3900m', memory: '1Ki' },
        images: [{ names: ['big'] }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
    expect(node).toEqual({
      name: 'n1',
      namespace: '',
      uid: 'u',
      resourceVersion: '9',
      labels: { zone: 'a' },
      unschedulable: true,
      ready: true,
      taints: [{ key: 'k', value: '', effect: 'NoSchedule' }],
      allocatable: { cpu: 3.9, memory: 1024 },
    });
  });
});
