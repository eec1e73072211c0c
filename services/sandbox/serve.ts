import {
  ExecuteStatus,
  SandboxServiceService,
  type SandboxServiceServer,
} from '@assay/proto/assay/v1/sandbox';
import type { ExecuteRequest, ExecuteResponse } from '@assay/proto/assay/v1/sandbox';
import { EXECUTION_BOUNDS, type Violation } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import type { Execution, ExecutionStatus, Limits } from '@assay/lib/python';
import { unary, type RpcService } from '@assay/lib/rpc';
import type { Executor } from './ports.ts';

export interface Serving {
  readonly executor: Executor;
  /** Submissions that wait for a slot right now, whoever sent them. */
  readonly waiting: () => number;
  /** Most of them before an RPC is refused. */
  readonly queueLimit: number;
  readonly tier: number;
  /** Why code is not run here; null when it is. */
  readonly refusal: string | null;
  /** Why none is run for now. */
  readonly notYet: () => string | null;
  /** Aborts when nothing new is begun. */
  readonly stop: AbortSignal;
}

/** SandboxService: `Execute` runs one program with its input in the jail. */
export function sandboxService(serving: Serving): RpcService {
  const implementation: SandboxServiceServer = {
    execute: unary(
      async (request: ExecuteRequest, context) => await execute(serving, request, context.signal),
    ),
  };
  return { name: 'assay.v1.SandboxService', definition: SandboxServiceService, implementation };
}

const MIB = 1024 * 1024;

const FIELDS: Readonly<Record<keyof Limits, { readonly field: string; readonly unset: number }>> = {
  cpuMs: { field: 'cpu_ms', unset: 10_000 },
  wallMs: { field: 'wall_ms', unset: 30_000 },
  memoryBytes: { field: 'memory_bytes', unset: 1024 * MIB },
  outputBytes: { field: 'output_bytes', unset: MIB },
};

async function execute(
  serving: Serving,
  request: ExecuteRequest,
  caller: AbortSignal,
): Promise<ExecuteResponse> {
  if (serving.refusal !== null) throw new AssayError('CODE_EXECUTION_REFUSED', serving.refusal);
  const notYet = serving.notYet();
  if (notYet !== null) throw passing('UNAVAILABLE', notYet);
  const limits = limitsOf(request);
  if (serving.waiting() >= serving.queueLimit) {
    throw passing('RATE_LIMITED', `${serving.queueLimit} executions wait already; try again later`);
  }
  const signal = AbortSignal.any([caller, serving.stop]);
  const execution = await serving.executor.run(
    { source: request.source, stdin: request.stdin, limits },
    signal,
  );
  return responseOf(execution, serving.tier);
}

/** Limits with their defaults. Throws INVALID_REQUEST that names every one that is out of bounds. */
export function limitsOf(
  request: Pick<ExecuteRequest, 'cpuMs' | 'wallMs' | 'memoryBytes' | 'outputBytes'>,
): Limits {
  const violations: Violation[] = [];
  const limit = (name: keyof Limits): number => {
    const { field, unset } = FIELDS[name];
    const { least, most } = EXECUTION_BOUNDS[name];
    const value = Number(request[name]);
    if (value === 0) return unset;
    if (value < least || value > most) {
      violations.push({
        field,
        message: `must be from ${least} to ${most}, or 0 for ${unset}, not ${value}`,
      });
    }
    return value;
  };
  const limits: Limits = {
    cpuMs: limit('cpuMs'),
    wallMs: limit('wallMs'),
    memoryBytes: limit('memoryBytes'),
    outputBytes: limit('outputBytes'),
  };
  if (violations.length > 0) throw new AssayError('INVALID_REQUEST', 'limits out of bounds', { violations });
  return limits;
}

const STATUSES: Readonly<Record<ExecutionStatus, ExecuteStatus>> = {
  OK: ExecuteStatus.OK,
  AC: ExecuteStatus.OK,
  WA: ExecuteStatus.OK,
  RE: ExecuteStatus.RUNTIME_ERROR,
  CE: ExecuteStatus.COMPILE_ERROR,
  TLE: ExecuteStatus.TIMED_OUT,
  MLE: ExecuteStatus.MEMORY_EXCEEDED,
  OLE: ExecuteStatus.OUTPUT_EXCEEDED,
  PE: ExecuteStatus.PROTOCOL_ERROR,
};

function responseOf(execution: Execution, tier: number): ExecuteResponse {
  const { status, stdout, stderr, cpuMs, wallMs, maxRssBytes, detail } = execution;
  return {
    status: STATUSES[status],
    stdout: Buffer.from(stdout),
    stderr: Buffer.from(stderr),
    cpuMs,
    wallMs,
    maxRssBytes: BigInt(maxRssBytes),
    detail,
    tier,
  };
}
