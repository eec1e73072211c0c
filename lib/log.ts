import { isatty } from 'node:tty';
import pino from 'pino';
import { prettyFactory } from 'pino-pretty';
import { traceOf } from './domain/index.ts';
import { AssayError } from './errors.ts';

export type Log = pino.Logger;

export interface LogOptions {
  readonly service: string;
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** Lines for a person; default is when the output is a terminal. */
  readonly pretty?: boolean;
}

/** Where lines go, each with its line feed. */
export interface LogSink {
  write(line: string): void;
}

const STANDARD_OUTPUT = 1;
const DEEPEST_CAUSE = 5;

const SECRET_NAMES = [
  'token',
  'apiKey',
  'api_key',
  'authorization',
  'secret',
  'password',
  'TOKEN',
  'NATS_TOKEN',
];
const SECRETS = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * A log of one JSON object per line on standard output. Child logs carry `job`, `task` and `trace`. Values under the
 * names of secrets are replaced, and nothing that a terminal would obey is written, whatever a model answered.
 */
export function createLog(options: LogOptions, sink: LogSink = standardOutput()): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), bindings: traced, log: traced },
    redact: { paths: SECRETS, censor: '[secret]' },
    serializers: { err: (error: unknown) => errorFields(error) },
  };
  const pretty = options.pretty ?? isatty(STANDARD_OUTPUT);
  const format = pretty ? prettyLine : jsonLine;
  return pino(settings, { write: (line) => sink.write(format(line)) });
}

// Synchronous: the last lines before a crash are the ones that are needed.
function standardOutput(): LogSink {
  return pino.destination({ dest: STANDARD_OUTPUT, sync: true });
}

const prettyOf = prettyFactory({
  ignore: 'service',
  messageFormat: '{service}: {msg}',
  translateTime: 'HH:MM:ss.l',
});

// JSON escapes C0 itself. DEL, C1 and the marks that turn the direction of text are as dangerous when a line is shown.
const OBEYED = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function jsonLine(line: string): string {
  return line.replaceAll(OBEYED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function prettyLine(line: string): string {
  const value: unknown = JSON.parse(line);
  return prettyOf(shown(value)) ?? '';
}

function visible(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The same value with every control character shown instead of sent; line feeds and tabs stay. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') {
    // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
    return value.replaceAll(/[\u0000-\u0008\u000b-\u001f]/g, visible).replaceAll(OBEYED, visible);
  }
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [String(shown(name)), shown(inner)]),
  );
}

/** An error as fields: its reason when it is ours, its code when it is the system's, and what caused it. */
function errorFields(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const reason =
    error instanceof AssayError
      ? { reason: error.reason, permanent: error.permanent, violations: error.violations }
      : {};
  const code = 'code' in error && error.code !== undefined ? { code: error.code } : {};
  const deeper = depth < DEEPEST_CAUSE;
  const errors =
    error instanceof AggregateError && deeper
      ? { errors: error.errors.slice(0, DEEPEST_CAUSE).map((inner) => errorFields(inner, depth + 1)) }
      : {};
  return {
    type: name,
    message,
    ...reason,
    ...code,
    stack,
    ...errors,
    ...(cause === undefined || !deeper ? {} : { cause: errorFields(cause, depth + 1) }),
  };
}

/** Whoever names a job names its trace. */
function traced(fields: Record<string, unknown>): Record<string, unknown> {
  const { job, trace } = fields;
  return typeof job === 'string' && trace === undefined ? { ...fields, trace: traceOf(job) } : fields;
}
