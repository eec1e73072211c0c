import { z } from 'zod';
import { readAddress, type Address } from './address.ts';
import { readDatabaseUrl } from './database-url.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The kinds of setting. Each reads text from the environment; a default is given in the parsed unit. */
export const settings = {
  text: z.string().min(1, 'must not be empty'),
  /** One that can be part of a subject. */
  name: z.string().regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, _ and - only'),
  folder: z.string().min(1, 'must name a folder'),
  /** Milliseconds, from text such as `250ms`, `8s`, `10m`, `24h`, `0s`. */
  duration: z
    .string()
    .transform((text, context) => scaled(text, UNITS, 'a duration such as 250ms, 8s, 10m or 24h', context)),
  /** Bytes, from text such as `4096`, `64KiB`, `1GiB`. */
  bytes: z
    .string()
    .transform((text, context) => scaled(text, SIZES, 'a size such as 4096, 64KiB or 1GiB', context)),
  integer: z.string().transform((text, context) => {
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    context.addIssue({ code: 'custom', message: `must be a whole number, not "${text}"` });
    return z.NEVER;
  }),
  port: z.string().transform((text, context) => {
    if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
    context.addIssue({
      code: 'custom',
      message: `must be a port from 0 (any free one) to 65535, not "${text}"`,
    });
    return z.NEVER;
  }),
  flag: z.string().transform((text, context) => {
    if (['1', 'true', 'yes'].includes(text)) return true;
    if (['0', 'false', 'no', ''].includes(text)) return false;
    context.addIssue({ code: 'custom', message: `must be true or false, not "${text}"` });
    return z.NEVER;
  }),
  /** At least one of something. */
  count: z.string().transform((text, context) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    context.addIssue({ code: 'custom', message: `must be a whole number from 1, not "${text}"` });
    return z.NEVER;
  }),
  /** A secret: what is wrong with it is said without its text. */
  databaseUrl: z.string().transform((text, context) => {
    const read = readDatabaseUrl(text);
    if ('host' in read) return read;
    for (const message of read) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
  /** Names separated by commas, at least one. */
  list: z.string().transform((text, context) => {
    const names = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (names.length > 0) return names;
    context.addIssue({ code: 'custom', message: 'must be one name or more, separated by commas' });
    return z.NEVER;
  }),
  /** An address that others are built on: no query, and no credentials, which are settings of their own. */
  httpUrl: z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const bare = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
    if (bare && ['http:', 'https:'].includes(url.protocol)) return url;
    const message = 'must be an http or https URL without user, password, query and fragment';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
  /** Addresses separated by commas, such as `10.0.0.1:443, [fd00::1]:53, a-name:80`. */
  addresses: z.string().transform((text, context) => {
    const read = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => ({ part, address: readAddress(part) }));
    for (const { part, address } of read) {
      if (address !== null) continue;
      context.addIssue({ code: 'custom', message: `must be host:port, separated by commas, not "${part}"` });
    }
    if (read.length === 0) context.addIssue({ code: 'custom', message: 'must be one host:port or more' });
    return read.flatMap(({ address }): Address[] => (address === null ? [] : [address]));
  }),
  /** Whether what must not be reached is tried before any work is taken. */
  walls: z.enum(['off', 'enforced']),
  blobStore: z.enum(['nats']),
  cluster: z.enum(['local', 'kubernetes']),
  /** One whose answers can be trusted: nobody on the way can change them. */
  trustedUrl: z.string().refine((text) => {
    const url = URL.parse(text);
    return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  }, 'must be an https URL'),
  identity: z.enum(['token', 'kubernetes']),
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
} as const;

function scaled(
  text: string,
  units: Readonly<Record<string, number>>,
  expected: string,
  context: z.RefinementCtx,
): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text);
  const unit = match?.[2] === '' ? (units['B'] ?? Number.NaN) : (units[match?.[2] ?? ''] ?? Number.NaN);
  const value = Number(match?.[1]) * unit;
  if (Number.isFinite(value)) return Math.round(value);
  context.addIssue({ code: 'custom', message: `must be ${expected}, not "${text}"` });
  return z.NEVER;
}
