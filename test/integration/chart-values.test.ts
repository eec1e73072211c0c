import { describe, expect, it } from 'vitest';
import { template, type RenderOptions } from '../support/chart.ts';
import { helms, type Helm } from '../support/helm.ts';

/** What is wrong, and what must be said of it: where it is, and what would be right. */
const WRONG: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown key', 'scheduler.replica=2', /scheduler.*replica\b/s],
  ['an unknown key at the top', 'schduler={}', /schduler/],
  [
    'an unknown key below a list',
    'endpoints=[{"peers":[{"cidr":"10.0.0.0/8"}],"ports":[443]}]',
    /endpoints.*cidr/s,
  ],
  ['a text for a number', 'runner.replicas="two"', /runner.*replicas.*integer/s],
  ['a number for a text', 'logLevel=3', /logLevel.*(string|one of)/s],
  ['no replica', 'sandbox.replicas=0', /sandbox.*replicas.*1/s],
  ['a word that is none of the choices', 'identity.type="ldap"', /identity.*type.*kubernetes.*token/s],
  ['a digest that is none', 'images.service.digest="sha256:abc"', /images.*service.*digest/s],
  ['a relative path', 'servers.weights.path="weights"', /servers.*weights.*path/s],
  ['a duration without a unit', 'ledgers.retention="24"', /ledgers.*retention/s],
  ['a size of Kubernetes for one of ours', 'ledgers.scores="1Gi"', /ledgers.*scores/s],
  ['a partition that a subject cannot hold', 'partitions=["p 0"]', /partitions/],
  ['a broker that is nowhere', 'nats.enabled=false', /nats.*external.*url/s],
  ['a database that is nowhere', 'postgres.enabled=false', /postgres.*external.*existingSecret/s],
  ['one of two Secrets', 'nats.auth.existingSecret="x"', /nats.*auth.*sandboxExistingSecret/s],
  ['shared memory in a baseline namespace', 'servers.allow.hostIPC=true', /servers.*privileged/s],
  ['a node’s folder in a baseline namespace', 'servers.weights.storage="nodeCache"', /servers.*privileged/s],
  ['a cache on no claim', 'servers.cache.storage="claim"', /servers.*cache.*claim/s],
  ['an issuer without an audience', 'identity.oidc.issuer="https://a"', /identity.*oidc.*audience/s],
  ['an issuer without TLS', 'identity.oidc.issuer="http://a"', /identity.*oidc.*issuer/s],
  [
    'two namespaces that are one',
    'servers.namespace.name="assay"',
    /servers\.namespace\.name \(assay\).*must be three/,
  ],
];

const all = await helms();

describe.each(all)('Helm $version', (helm) => {
  it.each(WRONG)('refuses %s: %s', async (_, set, said) => {
    await expect(template(helm, { set: [set] })).rejects.toThrow(said);
  });

  it('refuses a broker outside that the walls would hide', async () => {
    const set = [
      'nats.enabled=false',
      'nats.external.url="nats://a:4222"',
      'nats.auth={"existingSecret":"a","sandboxExistingSecret":"b"}',
    ];
    await expect(template(helm, { set })).rejects.toThrow(/nats.*external.*peers/s);
    await template(helm, { set: [...set, 'networkPolicy.enabled=false'] });
  });

  it('refuses a cluster that is too old, and says which would do', async () => {
    const old: RenderOptions = { args: ['--kube-version=1.33.9'] };
    await expect(template(helm, old)).rejects.toThrow(/>=\s*1\.34\.0/);
    await template(helm, { args: ['--kube-version=1.34.0-gke.100'] });
  });
});

it('refuses everything at once that is wrong', async () => {
  const [helm] = all;
  if (helm === undefined) return;
  const words = await refusal(helm, ['logLevel="loud"', 'runner.graceSeconds=-1', 'nats.storge={}']);
  for (const word of ['logLevel', 'graceSeconds', 'storge']) expect(words).toContain(word);
});

function refusal(helm: Helm, set: readonly string[]): Promise<string> {
  return template(helm, { set }).then(
    () => '',
    (error: unknown) => String(error),
  );
}
