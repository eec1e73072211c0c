/** A pod of somebody else, bound to a node: about 10 KB as the API server gives it, which is more than most have. */
export function othersPod(name: string, nodeName: string, labels: Readonly<Record<string, string>> = {}) {
  const env = Array.from({ length: 20 }, (_, i) => ({ name: `SETTING_${i}`, value: 'v'.repeat(100) }));
  const container = (of: string) => ({
    name: of,
    image: 'example.com/image:1',
    env,
    resources: { requests: { cpu: '10m', memory: '16Mi' } },
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { nodeName, tolerations: [{ operator: 'Exists' }], containers: [container('a'), container('b')] },
  };
}
