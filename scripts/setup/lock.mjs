import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from './advice.mjs';

const POLL_MS = 200;

/**
 * Takes a lock; waits while another living process has it. Resolves with what releases it.
 *
 * @param {string} file
 * @param {{ say: (line: string) => void, signal: AbortSignal, about?: object, waiting?: (theirs: object) => string }} options
 *   what the lock is to say `about` its holder beside the process, and the words for who waits, given the same of another
 */
export async function takeLock(file, { say, signal, about = {}, waiting = anotherSetUp }) {
  const mine = JSON.stringify({ ...identityOf(process.pid), ...about });
  let told = '';
  while (!create(file, mine)) {
    const theirs = read(file);
    if (theirs !== null && !holds(theirs)) clear(file, theirs);
    else if (theirs !== null) {
      if (told !== theirs) say(waiting(JSON.parse(theirs)));
      told = theirs;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) throw new Interrupted();
  }
  return () => {
    if (read(file) === mine) rmSync(file, { force: true });
  };
}

function anotherSetUp({ pid }) {
  return `Another set-up is at work here (process ${pid}): waiting for it.`;
}

/** A process that cannot be confused with a later one of the same number; null when it is gone. */
export function identityOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { pid, startTime: fields[19] };
  } catch {
    return null;
  }
}

// Written apart and linked into place, so that nobody ever reads half a lock.
function create(file, text) {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, text);
  try {
    linkSync(part, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(part, { force: true });
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function holds(text) {
  try {
    const { pid, startTime } = JSON.parse(text);
    return identityOf(pid)?.startTime === startTime;
  } catch {
    return false;
  }
}

// Removes the lock of a dead process, and puts back what another live one may have taken in between.
function clear(file, stale) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    if (read(aside) !== stale) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
