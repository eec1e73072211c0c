import pino from 'pino';
import pretty from 'pino-pretty';
import { AssayError } from './errors.ts';

export type Log = pino.Logger;

export interface LogOptions {
  readonly service: string;
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** Lines for a person; default is when the output is a terminal. */
  readonly pretty?: boolean;
}

const SECRETS = [
  'token',
  'apiKey',
  'api_key',
  'authorization',
  'secret',
  '*.token',
  '*.apiKey',
  '*.api_key',
  '*.authorization',
];

/** A log of one JSON object per line on standard output. Child logs carry `job`, `task` and `trace`. */
export function createLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS, censor: '[secret]' },
    serializers: { err: errorFields },
  };
  const toTerminal = options.pretty ?? process.stdout.isTTY === true;
  if (!toTerminal) return pino(settings, pino.destination({ dest: 1, sync: false, minLength: 0 }));
  return pino(
    settings,
    pretty({ ignore: 'service', messageFormat: '{service}: {msg}', translateTime: 'HH:MM:ss.l', sync: true }),
  );
}

function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const reason =
    error instanceof AssayError
      ? { reason: error.reason, permanent: error.permanent, violations: error.violations }
      : {};
  return {
    type: name,
    message,
    ...reason,
    stack,
    ...(cause === undefined ? {} : { cause: errorFields(cause) }),
  };
}
