import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { settings } from '@assay/lib/config';
import { AssayError } from '@assay/lib/errors';

const text = z.string().min(1, 'must not be empty');
const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'is no name of Kubernetes');
const folder = z.string().regex(/^\/[^:]*$/, 'must be an absolute path');
const one = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape);

/** Where weights lie: a claim that all model servers mount, a folder that all nodes share, or one of each node's own. */
const storage = z.union(
  [
    one({ claim: name }).transform(({ claim }) => ({ type: 'claim' as const, claim })),
    one({ host_path: folder }).transform(({ host_path: path }) => ({ type: 'host' as const, path })),
    one({ node_cache: folder }).transform(({ node_cache: path }) => ({ type: 'node' as const, path })),
  ],
  { error: 'must be one of claim, host_path and node_cache' },
);

/** Where compiled models are kept: nowhere beyond the pod, in a claim, or in a folder of each node's own. */
const cache = z.union(
  [
    one({ empty_dir: text }).transform(({ empty_dir: size }) => ({ type: 'empty' as const, size })),
    one({ claim: name }).transform(({ claim }) => ({ type: 'claim' as const, claim })),
    one({ node_cache: folder }).transform(({ node_cache: path }) => ({ type: 'node' as const, path })),
  ],
  { error: 'must be one of empty_dir, claim and node_cache' },
);

const schema = z
  .strictObject({
    /** Of model servers and of the jobs that fetch weights. */
    namespace: name,
    /** Owns what is created there, so that it goes with the installation. */
    anchor: name.default('assay-anchor'),
    /** The image of the services: programs of it run beside model servers and fetch weights. */
    service_image: text,
    /** What takes the place of an image of the catalog. */
    images: z.record(text, text).default({}),
    image_pull_policy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
    pull_secrets: z.array(name).default([]),
    service_account: name.default('assay-model-server'),
    priority_class: name.optional(),
    node_labels: z.record(z.string(), z.string()).default({}),
    weights: z
      .strictObject({
        storage: storage.optional(),
        hub: z.url('must be the address of a hub').default('https://huggingface.co'),
        /** The key `token` of this secret. */
        token_secret: name.optional(),
        env: z.record(z.string(), z.string()).default({}),
      })
      .prefault({}),
    cache: cache.prefault({ empty_dir: '20Gi' }),
    /** What the scheduler of Kubernetes has not put on its node by then is decided again. */
    schedule_timeout: settings.duration.default(30_000),
  })
  .transform((read) => ({
    namespace: read.namespace,
    anchor: read.anchor,
    serviceImage: read.service_image,
    images: read.images,
    pullPolicy: read.image_pull_policy,
    pullSecrets: read.pull_secrets,
    serviceAccount: read.service_account,
    ...(read.priority_class === undefined ? {} : { priorityClass: read.priority_class }),
    nodeLabels: read.node_labels,
    ...(read.weights.storage === undefined ? {} : { storage: read.weights.storage }),
    hub: read.weights.hub,
    ...(read.weights.token_secret === undefined ? {} : { hubSecret: read.weights.token_secret }),
    weightsEnv: read.weights.env,
    cache: read.cache,
    scheduleMs: read.schedule_timeout,
  }));

/** What the operator decides of model servers. */
export type Operator = z.infer<typeof schema>;

/** Reads ASSAY_SERVERS_FILE. Throws INVALID_REQUEST that names every wrong field. */
export async function readServersFile(file: string): Promise<Operator> {
  const source = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unusable(file, [
      { field: 'file', message: error instanceof Error ? error.message : String(error) },
    ]);
  });
  const document = parseDocument(source);
  const broken = document.errors.map((error) => ({
    field: 'file',
    message: error.message.split('\n')[0] ?? '',
  }));
  if (broken.length > 0) throw unusable(file, broken);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw unusable(
    file,
    parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'file', message })),
  );
}

function unusable(file: string, violations: { field: string; message: string }[]): AssayError {
  const lines = violations.map(({ field, message }) => `${field} ${message}`);
  return new AssayError('INVALID_REQUEST', `ASSAY_SERVERS_FILE ${file} cannot be used: ${lines.join('; ')}`, {
    violations,
  });
}
