import { spawnSync } from 'node:child_process';

/** Why this machine cannot hold a cluster, in one line, or null. */
export function whyNoClusterHere(): string | null {
  if (process.platform !== 'linux')
    return `a cluster is built on Linux only, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a cluster is built by root only (namespaces, mounts, control groups)';
  const all = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'true'];
  const { status, stderr } = spawnSync('unshare', all, { encoding: 'utf8' });
  return status === 0 ? null : `namespaces are not allowed here (${stderr.trim()})`;
}
