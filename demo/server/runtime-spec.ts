import { z } from 'zod';

const spec = z.object({
  hf_model_repo: z.string(),
  device_type: z.string(),
  device_model_spec: z.object({ max_context: z.int().min(16) }),
});
// A spec as the server's own tools write it lies beside what the run was told.
const file = z.union([
  z.object({ runtime_model_spec: spec }).transform((whole) => whole.runtime_model_spec),
  spec,
]);

/** What the server takes from its spec. */
export interface RuntimeSpec {
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
}

/** Reads RUNTIME_MODEL_SPEC_JSON_PATH's file. Throws when it is no spec, or one of another model or device. */
export function readRuntimeSpec(text: string, asked: { repo: string; device: string }): RuntimeSpec {
  const read = file.safeParse(parse(text));
  if (!read.success) {
    throw new Error(
      'RUNTIME_MODEL_SPEC_JSON_PATH: the file is no model spec with hf_model_repo, device_type and device_model_spec.max_context',
    );
  }
  const { hf_model_repo: repo, device_type: device, device_model_spec: how } = read.data;
  if (repo !== asked.repo) throw new Error(`--model is ${asked.repo}, and the model spec is of ${repo}`);
  // The spec's tools write devices in capitals.
  if (device.toLowerCase() !== asked.device.toLowerCase())
    throw new Error(`--tt-device is ${asked.device}, and the model spec is of ${device}`);
  return { contextLength: how.max_context };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
