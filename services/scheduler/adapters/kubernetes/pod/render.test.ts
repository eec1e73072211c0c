import path from 'node:path';
import { loadCatalog, type Catalog } from '@assay/lib/catalog';
import { beforeAll, describe, expect, it } from 'vitest';
import { operator } from '../testing/operator.ts';
import type { Operator } from '../servers-file.ts';
import { needOf } from './need.ts';
import { planOf } from './plan.ts';
import { claimTemplateOf, configMapOf, podOf, type Rendering } from './render.ts';
import { weightsIdOf, weightsJobOf } from './render-weights.ts';

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog(path.join(import.meta.dirname, '../../../../../catalog'));
});

function rendering(model: string, device: string, by: Operator): Rendering {
  const plan = planOf(catalog, by, { type: 'catalog', model, device });
  return { key: '0123456789abcdef', plan, operator: by, anchor: { name: 'assay-anchor', uid: 'anchor-uid' } };
}

const golden = (name: string) => path.join(import.meta.dirname, 'golden', `${name}.json`);
const asFile = (...objects: readonly (object | null)[]) =>
  `${JSON.stringify(
    objects.filter((object) => object !== null),
    null,
    2,
  )}\n`;

describe('what a model server is made of', () => {
  it('on a Tenstorrent n150, by a counted resource, in full', async () => {
    const made = rendering('llama-3.2-1b-instruct', 'n150', await operator());
    await expect(asFile(configMapOf(made), claimTemplateOf(made), podOf(made, 'node-1'))).toMatchFileSnapshot(
      golden('n150'),
    );
  });

  it('on a Tenstorrent n150, by a DRA claim', async () => {
    const made = rendering('llama-3.2-1b-instruct', 'n150', await operator());
    const { attributes = {} } = catalog.device('n150')?.pod?.claims.dra ?? {};
    const claim = { type: 'dra', deviceClass: 'tenstorrent.com', count: 1, attributes } as const;
    const dra = { ...made, plan: { ...made.plan, claim } };
    await expect(asFile(claimTemplateOf(dra), podOf(dra, 'node-1'))).toMatchFileSnapshot(golden('n150-dra'));
  });

  it('on an NVIDIA GPU', async () => {
    const made = rendering('llama-3.2-1b-instruct', 'nvidia-gpu', await operator());
    await expect(asFile(podOf(made, 'node-1'))).toMatchFileSnapshot(golden('nvidia-gpu'));
  });

  it('on a processor, its weights an image, with everything an operator can say', async () => {
    const made = rendering(
      'smollm2-135m-instruct',
      'cpu',
      await operator({
        images: {
          'assay/cpu-server': 'registry.example/cpu:1',
          'assay/demo-weights': 'registry.example/w:1',
        },
        pull_secrets: ['pull'],
        priority_class: 'low',
        node_labels: { pool: 'models' },
        cache: { node_cache: '/var/lib/cache' },
      }),
    );
    await expect(asFile(podOf(made, 'node-1'))).toMatchFileSnapshot(golden('cpu'));
  });
});

describe('the job that fetches weights', () => {
  it('has the token and the way out, once for all nodes or once for each', async () => {
    for (const [name, storage] of Object.entries({
      claim: { claim: 'assay-weights' },
      node: { node_cache: '/var/lib/weights' },
    })) {
      const by = await operator({ weights: { storage, hub: 'https://hub.example', token_secret: 'hub' } });
      const made = rendering('llama-3.2-1b-instruct', 'n150', by);
      const { weights } = made.plan;
      if (weights?.type !== 'hub') return expect.fail('the weights come from a hub');
      const node = name === 'node' ? 'node-1' : null;
      const job = weightsJobOf(made, weights, weightsIdOf(weights, node), node);
      await expect(asFile(job)).toMatchFileSnapshot(golden(`weights-${name}`));
    }
  });

  it('is another for another node only where each has its own folder', async () => {
    const { weights } = rendering('llama-3.2-1b-instruct', 'n150', await operator()).plan;
    if (weights?.type !== 'hub') return expect.fail('the weights come from a hub');
    expect(weightsIdOf(weights, null)).toBe(weights.id);
    expect(weightsIdOf(weights, 'a')).not.toBe(weightsIdOf(weights, 'b'));
  });
});

describe('what it takes of a node', () => {
  it('is what the pod requests, the container beside it included', async () => {
    const by = await operator({ node_labels: { pool: 'tt' } });
    expect(needOf(rendering('llama-3.2-1b-instruct', 'n150', by).plan, by)).toEqual({
      pool: 'n150',
      requests: {
        pods: 1,
        cpu: 6.01,
        memory: 64 * 1024 ** 3 + 48 * 1024 ** 2,
        'hugepages-1Gi': 32 * 1024 ** 3,
        'tenstorrent.com/n150': 1,
      },
      labels: { pool: 'tt' },
      tolerations: [],
    });
  });
});

describe('a target that cannot be served', () => {
  it('says what the catalog or the operator must say', async () => {
    const by = await operator({ weights: {} });
    expect(() => rendering('llama-3.2-1b-instruct', 'cpu', by)).toThrow('no servers.cpu of the model');
    expect(() => rendering('llama-3.2-1b-instruct', 'n150', by)).toThrow('set weights.storage');
    expect(() => rendering('nope', 'n150', by)).toThrow('no model nope');
  });
});
