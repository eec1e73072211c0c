import { z } from 'zod';
import { settings } from '../config/index.ts';

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
const text = z.string().min(1, 'must not be empty');
const whole = z.int().min(1, 'must be 1 or more');

const argument = text.superRefine((value, context) => {
  for (const [, inside] of value.matchAll(/\{([^{}]*)\}/g)) {
    if (PLACEHOLDERS.some((known) => known === inside)) continue;
    const known = PLACEHOLDERS.map((placeholder) => `{${placeholder}}`).join(', ');
    context.addIssue({ code: 'custom', message: `there is no placeholder {${inside}}; there are ${known}` });
  }
});

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
  })
  .transform(({ model_id: modelId, context_length: contextLength, local: served, ...rest }) => ({
    ...rest,
    modelId,
    contextLength,
    ...(served === undefined ? {} : { local: served }),
  }));

export const deviceSchema = z.strictObject({ name, description: text });
