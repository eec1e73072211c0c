import { timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AssayError } from '../errors.ts';
import type { Log } from '../log.ts';
import { digestOf, type Identity } from '../rpc/index.ts';
import { AUTHENTICATED, isNamespace, isReserved } from './names.ts';

/** Whose fixed token it is; null when it is nobody's. */
export type StaticTokens = (token: string) => Promise<Identity | null>;

interface Entry {
  readonly digest: Buffer;
  readonly identity: Identity;
}

/** How soon a change of the file is seen. */
const LOOK_MS = 1_000;
const SHORTEST = 16;

const name = z
  .string()
  .min(1)
  .refine((text) => !isReserved(text), 'must not begin with system:');
const shape = z.strictObject({
  tokens: z.array(
    z.strictObject({
      token: z.string().min(SHORTEST, `must have ${SHORTEST} characters or more`),
      user: name,
      namespace: z.string().refine(isNamespace, 'must be the name of a namespace'),
      groups: z.array(name).default([]),
    }),
  ),
});

/**
 * Tokens of a file, `tokens:` with `token`, `user`, `namespace` and perhaps `groups` each, read again when it changes.
 * Throws INVALID_REQUEST when it cannot be used; once it could, a change that cannot be is logged and not taken.
 */
export async function staticTokens(file: string, clock: Clock, log: Log): Promise<StaticTokens> {
  let version = await versionOf(file);
  let entries = await read(file);
  let lookedAt = clock.monotonic();

  async function look(): Promise<void> {
    if (clock.monotonic() - lookedAt < LOOK_MS) return;
    lookedAt = clock.monotonic();
    const now = await versionOf(file);
    if (now === version) return;
    version = now;
    try {
      entries = await read(file);
      log.info({ file, tokens: entries.length }, 'the static tokens have changed');
    } catch (error) {
      log.error({ err: error, file }, 'the changed static tokens cannot be used; those before it go on');
    }
  }

  return async (token) => {
    await look();
    const digest = digestOf(token);
    // All are compared, so that the time says nothing of which one was near.
    let found: Identity | null = null;
    for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) found = entry.identity;
    return found;
  };
}

// A mounted Secret is a link that is put to another folder: the file behind it is a new one.
async function versionOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  return found === null ? '' : [found.dev, found.ino, found.size, found.mtimeMs].join(' ');
}

async function read(file: string): Promise<readonly Entry[]> {
  const parsed = shape.safeParse(await yamlOf(file));
  if (!parsed.success) {
    const violations = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    const words = violations.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new AssayError('INVALID_REQUEST', `${file} cannot be used: ${words}`, { violations });
  }
  return parsed.data.tokens.map(({ token, user, namespace, groups }) => ({
    digest: digestOf(token),
    identity: { tenant: namespace, user, groups: [...groups, AUTHENTICATED] },
  }));
}

// What the parser says of broken YAML quotes it, and it is full of secrets.
async function yamlOf(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new AssayError('INVALID_REQUEST', `${file} cannot be read`, { cause: error });
  }
  try {
    return parse(text, { logLevel: 'silent' });
  } catch {
    throw new AssayError('INVALID_REQUEST', `${file} is not YAML`);
  }
}
