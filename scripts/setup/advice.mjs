// What went wrong, and what to do about it, in one line.

/** A failure that says what to do. */
export class SetupError extends Error {
  constructor(message) {
    super(message);
    this.name = 'SetupError';
  }
}

/** Somebody stopped us. */
export class Interrupted extends Error {
  constructor() {
    super('Stopped. Nothing half-done was kept; run the same command again to go on.');
    this.name = 'Interrupted';
  }
}

const AGAIN = 'then run the same command again';

// In the order in which they are looked for: the first that fits is told.
const CAUSES = [
  {
    signs: /ENOSPC|No space left on device|Errno 28/i,
    advice: (what) =>
      `No space is left on the disk for ${what}: free some (df -h shows how much there is), ${AGAIN}.`,
  },
  {
    signs: /DO NOT MATCH THE HASHES|EINTEGRITY|integrity checksum failed|sha(256|512) mismatch/i,
    advice: (what) =>
      `What was fetched as ${what} is not what is pinned (wrong hash), and was not kept: run the same command again; ` +
      'if it stays so, clear the cache (npm cache clean --force, python3 -m pip cache purge) or ask who runs your mirror.',
  },
  {
    signs: /No module named pip\b/i,
    advice: () => `Python has no pip: install it (Debian and Ubuntu: apt install python3-pip), ${AGAIN}.`,
  },
  {
    signs:
      /EUSAGE|package\.json and package-lock\.json .* are in sync|can only install with an existing package-lock/i,
    advice: (what) =>
      `package.json and package-lock.json do not fit for ${what}: restore both from git, ${AGAIN}.`,
  },
  {
    signs:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network (request|error|is unreachable)|Temporary failure in name resolution|Name or service not known|Failed to establish a new connection|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Read timed out|ProxyError|SSLError|Connection broken|IncompleteRead|Max retries exceeded/i,
    advice: (what) =>
      `${what} could not be fetched, for the package registry was not reached: check network and proxy, ${AGAIN}.`,
  },
  {
    signs: /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    advice: (what) =>
      `Writing was refused while ${what} was set up: see that this folder and its files are yours, ${AGAIN}.`,
  },
  {
    signs: /No matching distribution found|is not a supported wheel|EBADPLATFORM/i,
    advice: (what) =>
      `There is no build of ${what} for this machine in the registry that pip asks: update pip (python3 -m pip install -U pip) or check which registry that is, ${AGAIN}.`,
  },
];

/**
 * One line about a command that failed.
 *
 * @param {string} what what it was to bring
 * @param {{ output: string, code: number | null, signal: string | null }} result how it ended
 * @param {string} log where the whole output is
 */
export function adviceFor(what, result, log) {
  const cause = CAUSES.find(({ signs }) => signs.test(result.output));
  if (cause !== undefined) return new SetupError(cause.advice(what));
  const how = result.signal === null ? `ended with code ${result.code}` : `was ended by ${result.signal}`;
  return new SetupError(`Setting up ${what} ${how}: see the end of ${log}, ${AGAIN}.`);
}

/** A failure of our own file work, in the same words. */
export function adviceForError(what, error, log) {
  if (error instanceof SetupError || error instanceof Interrupted) return error;
  const output =
    error instanceof Error ? `${'code' in error ? String(error.code) : ''} ${error.stack}` : String(error);
  return adviceFor(what, { output, code: 1, signal: null }, log);
}
