import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fits } from './checks.mjs';
import { adviceForError, SetupError } from './advice.mjs';
import { run } from './command.mjs';

const STAMP = '.assay-stamp';
const NO_NPM = 'npm is missing: install Node 20 or newer with npm, then run the same command again.';

/** Whether `folder`'s node_modules is what its lock file says. */
export function isInstalled(folder) {
  const modules = path.join(folder, 'node_modules');
  if (readOr(path.join(modules, STAMP)) === stampOf(folder)) return true;
  // Installed by hand: npm leaves a record of what it put there, only when it came to its end.
  const record = readOr(path.join(modules, '.package-lock.json'));
  return record !== null && fits(JSON.parse(record), JSON.parse(readFileSync(lockOf(folder), 'utf8')));
}

/** `npm ci` in a folder, then its stamp. */
export async function install(folder, what, args, context) {
  const npm = ['npm', 'ci', '--no-audit', '--no-fund', '--no-update-notifier', ...args];
  await run(npm, { what, missing: NO_NPM, cwd: folder, log: context.log, signal: context.signal });
  writeFileSync(path.join(folder, 'node_modules', STAMP), stampOf(folder));
}

/** How many of a lock file's packages are there by now. */
export function countInstalled(folder) {
  const modules = path.join(folder, 'node_modules');
  const wanted = Object.entries(JSON.parse(readFileSync(lockOf(folder), 'utf8')).packages).filter(
    ([place, entry]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(place) && !entry.link && !entry.optional,
  ).length;
  const found = list(modules)
    .flatMap((name) => (name.startsWith('@') ? list(path.join(modules, name)) : [name]))
    .filter((name) => !name.startsWith('.')).length;
  return `${Math.min(found, wanted)} of ${wanted} packages`;
}

/** The Node that the npm package `node` brings; its install script is run where npm did not. */
export async function nodeOf(root, context) {
  const folder = path.join(root, 'node_modules/node');
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = path.join(root, 'node_modules/.bin/node');
  const options = { what: `Node ${version}`, cwd: folder, log: context.log, signal: context.signal };
  if (!(await answers(file, version, options))) {
    await run([process.execPath, 'installArchSpecificPackage'], { ...options, missing: NO_NPM });
    const link = path.join(root, 'node_modules/.bin/node');
    if (!existsSync(link)) symlinkSync('../node/bin/node', link);
    if (!(await answers(file, version, options)))
      throw new SetupError(
        `Node ${version} does not start here: see the end of ${context.log}, then run the same command again.`,
      );
  }
  return { file, version };
}

async function answers(file, version, options) {
  try {
    return (await run([file, '--version'], { ...options, missing: 'no Node' })).trim() === `v${version}`;
  } catch (error) {
    if (error instanceof SetupError) return false;
    throw error;
  }
}

/** The model server: its packages, and of node-llama-cpp's compiled parts the one for this machine. */
export async function installDemo(server, context) {
  const name = `linux-${process.arch}`;
  const platform = path.join(server, 'platform', name);
  try {
    if (!isInstalled(server))
      await install(server, 'the model server', ['--omit=optional', '--ignore-scripts'], context);
    if (!isInstalled(platform)) await install(platform, 'the model server', ['--ignore-scripts'], context);
    linkInto(
      path.join(server, 'node_modules/@node-llama-cpp', name),
      path.join('../../platform', name, 'node_modules/@node-llama-cpp', name),
    );
  } catch (error) {
    throw adviceForError('the model server', error, context.log);
  }
}

export function isDemoInstalled(server) {
  const name = `linux-${process.arch}`;
  const link = path.join(server, 'node_modules/@node-llama-cpp', name, 'package.json');
  return isInstalled(server) && isInstalled(path.join(server, 'platform', name)) && existsSync(link);
}

/** A symbolic link, put in place of whatever was there in one step. */
export function linkInto(link, target) {
  mkdirSync(path.dirname(link), { recursive: true });
  const part = `${link}.${process.pid}`;
  rmSync(part, { force: true });
  symlinkSync(target, part);
  if (existsSync(link) && lstatSync(link).isDirectory()) rmSync(link, { recursive: true });
  renameSync(part, link);
}

function stampOf(folder) {
  return createHash('sha256')
    .update(readFileSync(lockOf(folder)))
    .digest('hex');
}

function lockOf(folder) {
  return path.join(folder, 'package-lock.json');
}

function readOr(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}
