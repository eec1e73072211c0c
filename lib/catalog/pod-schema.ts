import { z } from 'zod';
import { settings } from '../config/index.ts';

/** What an argument or a variable of a model server's container may hold in braces. */
export const POD_PLACEHOLDERS = ['model_id', 'device', 'context_length', 'weights'] as const;
export type PodPlaceholder = (typeof POD_PLACEHOLDERS)[number];

/** How a pod comes to its device. */
export const CLAIM_MODES = ['extended_resource', 'dra', 'node_selector'] as const;
export type ClaimMode = (typeof CLAIM_MODES)[number];

export const text = z.string().min(1, 'must not be empty');
const count = z.int().min(1, 'must be 1 or more');
const variables = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'),
  z.string(),
);
const labels = z.record(z.string(), z.string());
/** A Kubernetes quantity: `6`, `500m`, `64Gi`. */
const quantity = z.union([z.string(), z.number()]).transform((value, context) => {
  const written = String(value);
  if (/^\d+(\.\d+)?(m|[kMGT]|[KMGT]i)?$/.test(written)) return written;
  context.addIssue({
    code: 'custom',
    message: `must be a quantity such as 6, 500m or 64Gi, not "${written}"`,
  });
  return z.NEVER;
});
const quantities = z.record(z.string(), quantity);

/** Text in which only these may stand in braces. */
export function withPlaceholders(placeholders: readonly string[]) {
  return text.superRefine((value, context) => {
    for (const [, inside] of value.matchAll(/\{([^{}]*)\}/g)) {
      if (placeholders.some((known) => known === inside)) continue;
      const known = placeholders.map((placeholder) => `{${placeholder}}`).join(', ');
      context.addIssue({
        code: 'custom',
        message: `there is no placeholder {${inside}}; there are ${known}`,
      });
    }
  });
}

const toleration = z.strictObject({
  key: text,
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'NoExecute', 'PreferNoSchedule']).optional(),
});

const claims = z.strictObject({
  extended_resource: z
    .strictObject({
      resource: z.string().regex(/^[a-z0-9.-]+\/[a-zA-Z0-9._-]+$/, 'must be domain/name'),
      count: count.default(1),
    })
    .optional(),
  dra: z
    .strictObject({
      device_class: text,
      count: count.default(1),
      /** Attributes that each device must have, of its driver's domain: one of the texts that stand here. */
      attributes: z.record(text, z.array(text).min(1, 'must not be empty')).default({}),
    })
    .optional(),
  node_selector: z.strictObject({ labels }).optional(),
});

/** A hardware profile: what the pod of a model server needs to use the device. */
export const devicePodSchema = z
  .strictObject({
    /** The way that is in force here. */
    claim: z.enum(CLAIM_MODES),
    claims,
    requests: quantities.default({}),
    limits: quantities.default({}),
    hugepages_1gi: quantity.optional(),
    host_ipc: z.boolean().default(false),
    /** Size of /dev/shm; without one it is the container runtime's 64 MiB, or the host's with host_ipc. */
    shared_memory: quantity.optional(),
    tolerations: z.array(toleration).default([]),
    env: variables.default({}),
  })
  .superRefine(({ claim, claims: ways }, context) => {
    if (ways[claim] !== undefined) return;
    const there = Object.keys(ways).join(', ') || 'none';
    context.addIssue({
      code: 'custom',
      path: ['claims'],
      message: `has no ${claim}, which claim asks for; there is ${there}`,
    });
  })
  .transform(({ hugepages_1gi: hugepages, host_ipc: hostIpc, shared_memory: sharedMemory, ...rest }) => ({
    ...rest,
    hostIpc,
    ...(hugepages === undefined ? {} : { hugepages }),
    ...(sharedMemory === undefined ? {} : { sharedMemory }),
  }));

/** Where a model's weights come from: a hub, or an image that holds them. */
export const weightsSchema = z.union(
  [
    z
      .strictObject({
        hub: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be owner/name'),
        revision: text.default('main'),
        /** All that the hub lists when empty. */
        files: z.array(text).default([]),
        bytes: settings.bytes.optional(),
      })
      .transform(({ hub, ...rest }) => ({ type: 'hub' as const, repo: hub, ...rest })),
    z.strictObject({ image: text }).transform(({ image }) => ({ type: 'image' as const, image })),
  ],
  { error: 'must be hub (with revision, files, bytes) or image' },
);

/** How a pod serves a model on one device. */
export const podServingSchema = z
  .strictObject({
    image: text,
    command: z.array(withPlaceholders(POD_PLACEHOLDERS)).default([]),
    args: z.array(withPlaceholders(POD_PLACEHOLDERS)).default([]),
    env: variables.default({}),
    /** Mounted as JSON; RUNTIME_MODEL_SPEC_JSON_PATH names it. */
    runtime_spec: z.record(z.string(), z.json()).optional(),
    /** More than the device's profile says, by resource. */
    requests: quantities.default({}),
    limits: quantities.default({}),
    /** Requests that it may be sent at once. */
    ceiling: count.default(1),
    /** From the start of its container until it answers. */
    start_timeout: settings.duration.default(90 * 60_000),
    /** For its image to come. */
    pull_timeout: settings.duration.default(30 * 60_000),
    /** A start whose cache has not grown for this long has stalled. */
    stall_timeout: settings.duration.default(15 * 60_000),
    /** It is warm when it answers and its cache has not grown for this long. */
    settle: settings.duration.default(10_000),
  })
  .transform(
    ({
      runtime_spec: runtimeSpec,
      start_timeout: startMs,
      pull_timeout: pullMs,
      stall_timeout: stallMs,
      settle: settleMs,
      ...rest
    }) => ({
      ...rest,
      budgets: { startMs, pullMs, stallMs, settleMs },
      ...(runtimeSpec === undefined ? {} : { runtimeSpec }),
    }),
  );

export type DevicePod = z.infer<typeof devicePodSchema>;
export type Weights = z.infer<typeof weightsSchema>;
export type PodServing = z.infer<typeof podServingSchema>;
