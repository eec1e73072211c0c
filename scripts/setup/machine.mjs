// The first thing that a launcher does, before anything that needs a newer Node is read.
import { machineProblem } from './checks.mjs';

/** Ends the process with one line where the machine will not do. */
export function requireMachine() {
  const problem = machineProblem({
    nodeVersion: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  });
  if (problem === null) return;
  console.error(problem);
  process.exit(1);
}
