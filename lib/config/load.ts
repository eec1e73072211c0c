import { z } from 'zod';
import type { Violation } from '../domain/index.ts';
import { AssayError } from '../errors.ts';
import { commonShape, commonTogether } from './common.ts';
import { nearest } from './nearest.ts';
import { PREFIX } from './prefix.ts';
import type { Given } from './together.ts';

/**
 * Reads the settings of a service, or of another program, from the environment: `ASSAY_` and the name in `shape`. Throws
 * INVALID_REQUEST that names every wrong, missing and unknown setting at once. `together` says what is wrong with those
 * that are given, beside what is wrong with each.
 */
export function loadConfig<S extends z.ZodRawShape>(
  service: string,
  shape: S,
  env: NodeJS.ProcessEnv,
  together: (given: Given) => readonly Violation[] = () => [],
): z.infer<z.ZodObject<S>> {
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(PREFIX) && value !== undefined ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
  const names = Object.keys(shape);
  const unknown = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      field: PREFIX + name,
      message: `is not a setting of the ${service}${suggestion(name, names)}`,
    }));
  const parsed = z.object(shape).safeParse(given);
  const wrong = parsed.success ? [] : parsed.error.issues.map((issue) => problemOf(issue, given));
  const set = new Map(Object.entries(given));
  const isService = Object.keys(commonShape).every((name) => names.includes(name));
  const violations = [...wrong, ...(isService ? commonTogether(set) : []), ...together(set), ...unknown];
  if (parsed.success && violations.length === 0) return parsed.data;
  const lines = violations.map(({ field, message }) => `${field} ${message}`);
  throw new AssayError('INVALID_REQUEST', `the ${service} cannot start: ${lines.join('; ')}`, { violations });
}

function problemOf(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>) {
  const name = String(issue.path[0] ?? '');
  const message =
    given[name] === undefined
      ? 'is missing'
      : issue.code === 'invalid_value'
        ? `must be one of ${issue.values.join(', ')}, not "${given[name]}"`
        : issue.message;
  return { field: PREFIX + name, message };
}

function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === null ? '' : `; did you mean ${PREFIX}${near}?`;
}
