import { z } from 'zod';
import { settings } from '../config/index.ts';
import { devicePodSchema, podServingSchema, text, weightsSchema, withPlaceholders } from './pod-schema.ts';

/** What a `command` may hold in braces; who starts the server fills them in. */
export const PLACEHOLDERS = [
  'node',
  'home',
  'models',
  'model_id',
  'context_length',
  'threads',
  'announce',
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a–z, 0–9, ".", "_" and "-"');
const whole = z.int().min(1, 'must be 1 or more');

const argument = withPlaceholders(PLACEHOLDERS);

const local = z
  .strictObject({
    command: z.array(argument).min(1, 'must not be empty'),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'), z.string())
      .default({}),
    start_timeout: settings.duration.default(10 * 60_000),
    ceiling: whole.default(1),
  })
  .transform(({ start_timeout: startTimeoutMs, ...rest }) => ({ ...rest, startTimeoutMs }));

export const modelSchema = z
  .strictObject({
    name,
    description: text,
    license: text,
    model_id: text,
    context_length: whole,
    devices: z.array(name).min(1, 'must name a device'),
    local: local.optional(),
    weights: weightsSchema.optional(),
    /** By device: how a pod serves it there. */
    servers: z.record(name, podServingSchema).default({}),
  })
  .transform(({ model_id: modelId, context_length: contextLength, local: served, weights, ...rest }) => ({
    ...rest,
    modelId,
    contextLength,
    ...(served === undefined ? {} : { local: served }),
    ...(weights === undefined ? {} : { weights }),
  }));

export const deviceSchema = z
  .strictObject({ name, description: text, pod: devicePodSchema.optional() })
  .transform(({ pod, ...rest }) => ({ ...rest, ...(pod === undefined ? {} : { pod }) }));
