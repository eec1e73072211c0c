import type { Reason } from '@assay/lib/errors';
import { call, clientStreamCall, connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { JobServiceClient, JobState } from '@assay/proto/assay/v1/job';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { SandboxServiceClient } from '@assay/proto/assay/v1/sandbox';
import { uploadFiles } from '../stack.ts';
import { NOWHERE, T, endpoint, request, selection, type Refused } from './refused.ts';
import { taskFiles } from './task-files.ts';
import { goodTask } from './tasks.ts';
import type { Files } from './world.ts';

export const BUNDLE_BYTES = 64 * 1024;
export const RECEIVE_BYTES = 256 * 1024;

function upload(title: string, reason: Reason, field: string, files: Files): Refused {
  return { title, act: (world) => uploadFiles(world.stack, files), reason, fields: [field] };
}

const catalog = (model: string, device: string) => ({ $case: 'catalog' as const, value: { model, device } });
const MODEL = 'smollm2-135m-instruct';

const requests: readonly Refused[] = [
  request('a model that is not in the catalog', 'UNKNOWN_MODEL', ['catalog.model'], {
    target: catalog('nope', ''),
  }),
  request('a device that is not in the catalog', 'UNKNOWN_DEVICE', ['catalog.device'], {
    target: catalog(MODEL, 'tpu'),
  }),
  request('no target', 'INVALID_REQUEST', ['target'], { target: undefined }),
  request('no task', 'INVALID_REQUEST', ['tasks'], { tasks: [] }),
  request('a task twice', 'INVALID_REQUEST', ['tasks[1].name'], { tasks: [T, T] }),
  selection('a task that nobody knows', 'UNKNOWN_TASK', 'tasks[0].name', { name: 'nope' }),
  selection('limit 0', 'INVALID_REQUEST', 'tasks[0].limit', { limit: 0 }),
  selection('a limit below 0', 'INVALID_REQUEST', 'tasks[0].limit', { limit: -3 }),
  selection('shots below 0', 'INVALID_REQUEST', 'tasks[0].num_fewshot', { numFewshot: -1 }),
  selection('settings that are not JSON', 'INVALID_REQUEST', 'tasks[0].gen_kwargs_json', {
    genKwargsJson: '{',
  }),
  selection('a temperature that is text', 'INVALID_REQUEST', 'tasks[0].gen_kwargs_json', {
    genKwargsJson: '{"temperature": "hot"}',
  }),
  request('an endpoint that is no URL', 'INVALID_REQUEST', ['endpoint.base_url'], {
    target: endpoint({ baseUrl: 'host:8000' }),
  }),
  request('an endpoint with a query', 'INVALID_REQUEST', ['endpoint.base_url'], {
    target: endpoint({ baseUrl: 'http://127.0.0.1:9/v1?api_key=k' }),
  }),
  request('an endpoint with a user', 'INVALID_REQUEST', ['endpoint.base_url'], {
    target: endpoint({ baseUrl: 'http://me:k@127.0.0.1:9/v1' }),
  }),
  request('a key that no header can carry', 'INVALID_REQUEST', ['endpoint.api_key'], {
    target: endpoint({ apiKey: 'ключ' }),
  }),
  request('a bundle that was never uploaded', 'BUNDLE_INVALID', ['bundle'], {
    bundle: `sha256:${'0'.repeat(64)}`,
  }),
  request('a bundle that is a path', 'BUNDLE_INVALID', ['bundle'], { bundle: 'sha256:../../token' }),
  request(
    'everything at once',
    'INVALID_REQUEST',
    [
      'request_id',
      'seed',
      'max_concurrency',
      'endpoint.base_url',
      'endpoint.model',
      'tasks[0].limit',
      'tasks[1].num_fewshot',
      'tasks[1].gen_kwargs_json',
      'tasks[1].name',
    ],
    {
      requestId: '',
      seed: -1n,
      maxConcurrency: -1,
      target: endpoint({ baseUrl: 'ftp://x', model: '' }),
      tasks: [
        { ...T, limit: 0 },
        { name: 'nope', numFewshot: -1, genKwargsJson: '[]' },
      ],
    },
  ),
];

const line = 'x'.repeat(1_000);
const uploads: readonly Refused[] = [
  upload('a bundle that is too large', 'BUNDLE_TOO_LARGE', 'big.jsonl', {
    ...goodTask(),
    'big.jsonl': `${line}\n`.repeat(Math.ceil(BUNDLE_BYTES / 1_000)),
  }),
  ...[
    '../x.yaml',
    'a/../../x.yaml',
    '/etc/passwd',
    'a\\..\\x.yaml',
    'C:/x.yaml',
    './x.yaml',
    'a\u0000.yaml',
  ].map((name) =>
    upload(`a bundle with the path ${JSON.stringify(name)}`, 'BUNDLE_INVALID', name, { [name]: 'task: T\n' }),
  ),
  upload('a bundle without files', 'BUNDLE_INVALID', 'path', {}),
];

const calls = { deadlineMs: 10_000 };
const SUBMIT = { bundle: '', seed: undefined, validateOnly: false, maxConcurrency: 0 };
const NO_LIMITS = { cpuMs: 0, wallMs: 0, memoryBytes: 0n, outputBytes: 0n };
const PROGRAM = { source: 'print(1)', stdin: Buffer.alloc(0), ...NO_LIMITS };
const edge: readonly Refused[] = [
  request('a message over the limit', 'MESSAGE_TOO_LARGE', [], {
    tasks: [{ ...T, genKwargsJson: JSON.stringify({ until: ['x'.repeat(RECEIVE_BYTES)] }) }],
  }),
  {
    title: 'one request_id with two contents',
    reason: 'REQUEST_ID_REUSED',
    fields: ['request_id'],
    act: (world) =>
      world.submit(goodTask(), { requestId: 'first', target: NOWHERE, tasks: [{ ...T, limit: 2 }] }),
  },
  {
    title: 'a page token of elsewhere',
    reason: 'INVALID_REQUEST',
    fields: ['page_token'],
    act: ({ stack }) =>
      call(stack.jobs, 'listJobs', { pageSize: 0, pageToken: 'abc', state: JobState.UNSPECIFIED }, calls),
  },
  {
    title: 'a job that does not exist',
    reason: 'NOT_FOUND',
    fields: ['job_id'],
    act: ({ stack }) => call(stack.jobs, 'cancelJob', { jobId: 'nope' }, calls),
  },
];

// Whoever has no right token is told so by every service, before anything is read.
const strangers: readonly Refused[] = ([undefined, 'wrong'] as const).flatMap((token) => {
  const who = token === undefined ? 'without a token' : 'with a wrong token';
  const connection = token === undefined ? {} : { token };
  const refused = (what: string, act: Refused['act']): Refused => ({
    title: `${what} ${who}`,
    act,
    reason: 'UNAUTHENTICATED',
    fields: [],
  });
  return [
    refused('a job', async ({ scheduler }) => {
      const client = connectRpc(JobServiceClient, scheduler, connection);
      const whole = { ...SUBMIT, requestId: 'stranger', target: NOWHERE, tasks: [T] };
      return call(client, 'submitJob', whole, calls).finally(() => client.close());
    }),
    refused('a bundle', async ({ scheduler }) => {
      const client = connectRpc(CatalogServiceClient, scheduler, connection);
      const { stream, answer } = clientStreamCall(client, 'uploadBundle', calls);
      stream.write({ path: 't.yaml', chunk: Buffer.from('task: T') });
      stream.end();
      return answer.finally(() => client.close());
    }),
    refused('results', async ({ reporter }) => {
      const client = connectRpc(ResultServiceClient, reporter, connection);
      return call(client, 'listResults', { pageSize: 0, pageToken: '' }, calls).finally(() => client.close());
    }),
    refused('a program', async ({ sandbox }) => {
      const client = connectRpc(SandboxServiceClient, sandbox, connection);
      return call(client, 'execute', PROGRAM, calls).finally(() => client.close());
    }),
  ];
});

export const submissions: readonly Refused[] = [...requests, ...taskFiles, ...uploads, ...edge, ...strangers];
