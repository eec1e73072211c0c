import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { runningCluster } from './record.ts';

const run = promisify(execFile);
const OLDEST = [1, 34] as const; // resource.k8s.io/v1 is there from here on
const ANSWER = '10s';

export interface GivenCluster {
  readonly kubeconfig: string;
  readonly apiServer: string;
  readonly version: string;
  readonly nodes: readonly string[];
}

/** The kubeconfig of a cluster that somebody else runs; null when KUBECONFIG names none, or our own. */
export function givenKubeconfig(): string | null {
  const kubeconfig = process.env['KUBECONFIG'] ?? '';
  return kubeconfig === '' || kubeconfig === runningCluster()?.kubeconfig ? null : kubeconfig;
}

/** Asks a given cluster who it is. @throws {Error} in one line that says what is wrong with it */
export async function askGivenCluster(kubeconfig: string): Promise<GivenCluster> {
  const version = versionOf(await kubectl(['version', '--output=json']));
  const problem = versionProblem(version);
  if (problem !== null) throw new Error(problem);
  const apiServer = await kubectl([
    'config',
    'view',
    '--minify',
    '--output=jsonpath={.clusters[0].cluster.server}',
  ]);
  const nodes = (await kubectl(['get', 'nodes', '--output=name'])).split('\n').filter((line) => line !== '');
  return { kubeconfig, apiServer, version, nodes: nodes.map((node) => node.replace('node/', '')) };
}

/** Why a cluster's version will not do, or null. */
export function versionProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return null;
  return `The cluster of KUBECONFIG is Kubernetes ${version}: Assay needs ${OLDEST.join('.')} or newer.`;
}

function versionOf(json: string): string {
  const { serverVersion } = JSON.parse(json) as { serverVersion?: { gitVersion?: string } };
  return serverVersion?.gitVersion ?? 'of an unknown version';
}

async function kubectl(args: readonly string[]): Promise<string> {
  try {
    return (await run('kubectl', [`--request-timeout=${ANSWER}`, ...args])).stdout.trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Error('KUBECONFIG is set, and there is no kubectl on the PATH.', { cause: error });
    const said =
      error instanceof Error && 'stderr' in error
        ? String(error.stderr).trim().split('\n').at(-1)
        : String(error);
    throw new Error(`The cluster of KUBECONFIG does not answer: ${said}`, { cause: error });
  }
}
