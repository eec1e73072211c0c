import type { ModelTarget, TaskSelection, Violation } from '@assay/lib/domain';
import type { Reason } from '@assay/lib/errors';

/** What a caller asked for, as the RPC edge read it; nothing of it is trusted yet. */
export interface Submission {
  readonly requestId: string;
  readonly target:
    | { readonly type: 'catalog'; readonly model: string; readonly device: string }
    | { readonly type: 'endpoint'; readonly baseUrl: string; readonly model: string; readonly apiKey: string }
    | undefined;
  readonly tasks: readonly {
    readonly name: string;
    readonly limit: number | undefined;
    readonly numFewshot: number | undefined;
    readonly genKwargsJson: string;
  }[];
  readonly bundle: string;
  readonly seed: bigint | undefined;
  readonly maxConcurrency: number;
}

export interface KnownModel {
  readonly name: string;
  /** Those on which it can be served here; none when nothing here can start it. */
  readonly devices: readonly string[];
}

export interface Valid {
  readonly requestId: string;
  readonly target: ModelTarget;
  readonly apiKey: string;
  readonly tasks: readonly TaskSelection[];
  readonly bundle: string;
  readonly seed: number;
  readonly maxConcurrency: number;
}

export interface Problem extends Violation {
  readonly reason: Reason;
}

const DEFAULT_SEED = 1234;
const MOST_TASKS = 256;

/** Everything about a submission that can be judged without reading a task file: every problem at once. */
export function validate(
  submission: Submission,
  models: readonly KnownModel[],
  devices: readonly string[],
): { readonly problems: readonly Problem[]; readonly valid: Valid | null } {
  const problems: Problem[] = [];
  const wrong = (field: string, message: string, reason: Reason = 'INVALID_REQUEST') =>
    problems.push({ field, message, reason });

  const requestId = submission.requestId;
  if (requestId.length < 1 || requestId.length > 128)
    wrong('request_id', `is ${requestId.length} characters long; send 1 to 128`);
  const seed = submission.seed ?? BigInt(DEFAULT_SEED);
  if (seed < 0n || seed > BigInt(Number.MAX_SAFE_INTEGER)) wrong('seed', 'must be from 0 to 2^53 − 1');
  if (submission.maxConcurrency < 0) wrong('max_concurrency', 'must be 0 (the server decides) or more');
  const target = targetOf(submission, models, devices, wrong);
  const tasks = tasksOf(submission, wrong);
  if (problems.length > 0 || target === null) return { problems, valid: null };
  return {
    problems,
    valid: {
      requestId,
      target,
      apiKey: submission.target?.type === 'endpoint' ? submission.target.apiKey : '',
      tasks,
      bundle: submission.bundle,
      seed: Number(seed),
      maxConcurrency: submission.maxConcurrency,
    },
  };
}

type Wrong = (field: string, message: string, reason?: Reason) => void;

function targetOf(
  submission: Submission,
  models: readonly KnownModel[],
  devices: readonly string[],
  wrong: Wrong,
): ModelTarget | null {
  const target = submission.target;
  if (target === undefined) {
    wrong('target', 'is missing; name a catalog model or an endpoint');
    return null;
  }
  if (target.type === 'endpoint') return endpointOf(target, wrong);
  const model = models.find((known) => known.name === target.model);
  if (target.device !== '' && !devices.includes(target.device)) {
    wrong(
      'catalog.device',
      `"${clip(target.device)}" is not in the catalog; it has ${listed(devices)}`,
      'UNKNOWN_DEVICE',
    );
  }
  if (model === undefined) {
    const names = models.map((known) => known.name);
    wrong(
      'catalog.model',
      `"${clip(target.model)}" is not in the catalog; it has ${listed(names)}`,
      'UNKNOWN_MODEL',
    );
    return null;
  }
  const device = target.device === '' ? model.devices[0] : target.device;
  if (device === undefined || model.devices.length === 0) {
    wrong(
      'catalog.model',
      `${model.name} runs on no device here: its catalog file does not say how it is started`,
      'UNKNOWN_DEVICE',
    );
    return null;
  }
  if (devices.includes(device) && !model.devices.includes(device)) {
    wrong(
      'catalog.device',
      `${model.name} does not run on "${device}"; it runs on ${listed(model.devices)}`,
      'UNKNOWN_DEVICE',
    );
    return null;
  }
  return { type: 'catalog', model: model.name, device };
}

function endpointOf(
  target: { readonly baseUrl: string; readonly model: string; readonly apiKey: string },
  wrong: Wrong,
): ModelTarget {
  const url = URL.canParse(target.baseUrl) ? new URL(target.baseUrl) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    wrong(
      'endpoint.base_url',
      `"${clip(target.baseUrl)}" is not an http or https URL; send one such as http://host:8000/v1`,
    );
  else if (url.username !== '' || url.password !== '')
    wrong('endpoint.base_url', 'carries a user or password; send the key as api_key');
  else if (url.search !== '' || url.hash !== '')
    wrong('endpoint.base_url', 'carries a query or fragment; send the URL up to /v1, and a key as api_key');
  if (target.model === '') wrong('endpoint.model', 'is empty; name the model id that the endpoint lists');
  if (!/^[\x21-\x7e]*$/.test(target.apiKey))
    wrong(
      'endpoint.api_key',
      'holds a character that no HTTP header can carry, such as a blank or a line break',
    );
  return { type: 'endpoint', baseUrl: target.baseUrl.replace(/\/+$/, ''), model: target.model };
}

function tasksOf(submission: Submission, wrong: Wrong): TaskSelection[] {
  if (submission.tasks.length === 0) wrong('tasks', 'is empty; name at least one task');
  if (submission.tasks.length > MOST_TASKS)
    wrong('tasks', `has ${submission.tasks.length} entries; at most ${MOST_TASKS}`);
  const seen = new Set<string>();
  return submission.tasks.map((task, i) => {
    const at = `tasks[${i}]`;
    if (task.name === '') wrong(`${at}.name`, 'is empty');
    if (seen.has(task.name)) wrong(`${at}.name`, `"${clip(task.name)}" is named twice`);
    seen.add(task.name);
    if (task.limit !== undefined && task.limit <= 0)
      wrong(`${at}.limit`, `is ${task.limit}; must be 1 or more`);
    if (task.numFewshot !== undefined && task.numFewshot < 0)
      wrong(`${at}.num_fewshot`, `is ${task.numFewshot}; must be 0 or more`);
    const genKwargs = genKwargsOf(task.genKwargsJson, `${at}.gen_kwargs_json`, wrong);
    return {
      name: task.name,
      ...(task.limit === undefined ? {} : { limit: task.limit }),
      ...(task.numFewshot === undefined ? {} : { numFewshot: task.numFewshot }),
      ...(genKwargs === null ? {} : { genKwargs }),
    };
  });
}

function genKwargsOf(json: string, field: string, wrong: Wrong): Record<string, unknown> | null {
  if (json === '') return null;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // falls through to the one sentence below
  }
  wrong(field, 'is not a JSON object; send one such as {"temperature": 0}');
  return null;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '');
}

function clip(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
