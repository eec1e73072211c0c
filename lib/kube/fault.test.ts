import { describe, expect, it } from 'vitest';
import { faultOf } from './fault.ts';
import { LEASES, PODS } from './resource.ts';

const asked = { verb: 'list', resource: PODS, namespace: 'models' };

describe('faultOf', () => {
  it('names verb, resource and namespace of a right that is missing', () => {
    const message =
      'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "models"';
    const fault = faultOf(asked, 403, { message });
    expect(fault).toMatchObject({ reason: 'CLUSTER_FORBIDDEN', permanent: true, status: 403 });
    expect(fault.message).toContain('may not list pods in namespace "models"');
    expect(
      faultOf({ verb: 'update', resource: LEASES }, 403, { message: 'x cannot update resource y' }).message,
    ).toContain('update leases.coordination.k8s.io in the cluster');
  });

  it.each([
    [500, 'etcd is away', 'CLUSTER_UNAVAILABLE', false],
    [503, 'apiserver is shutting down', 'CLUSTER_UNAVAILABLE', false],
    [429, 'too many requests', 'CLUSTER_UNAVAILABLE', false],
    [410, 'too old resource version', 'CLUSTER_UNAVAILABLE', false],
    [409, 'the object has been modified', 'CLUSTER_CONFLICT', false],
    [401, 'Unauthorized', 'CLUSTER_UNAUTHENTICATED', true],
    [403, 'pods "a" is forbidden: exceeded quota: q', 'CLUSTER_QUOTA', false],
    [403, 'pods "a" is forbidden: violates PodSecurity "restricted"', 'CLUSTER_REFUSED', true],
    [403, 'pods "a" is forbidden: ValidatingAdmissionPolicy \'assay-epoch\' denied', 'NOT_LEADER', false],
    [404, 'namespaces "models" not found', 'NOT_FOUND', true],
    [422, 'spec: Forbidden: immutable', 'CLUSTER_REFUSED', true],
  ] as const)('takes %i "%s" for %s', (code, message, reason, permanent) => {
    expect(faultOf(asked, code, { message })).toMatchObject({ reason, permanent });
  });
});
