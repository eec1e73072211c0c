export function machineProblem(machine: {
  nodeVersion: string;
  platform: string;
  arch: string;
}): string | null;
export function pythonProblem(version: string): string | null;
export function isNewEnough(version: string): boolean;
export function requirementOf(pin: {
  package: string;
  version: string;
  sha256: Record<string, string>;
}): string;
interface Packages {
  packages: Record<string, { version?: string; integrity?: string; link?: boolean; optional?: boolean }>;
}
export function fits(installed: Packages, lock: Packages): boolean;
