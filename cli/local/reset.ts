import { rm } from 'node:fs/promises';
import { AssayError } from '@assay/lib/errors';
import { dataFolders, layoutOf } from './layout.ts';
import { endOrphans } from './orphans.ts';
import { supervisorOf } from './up.ts';

/** Deletes jobs, ledgers, results and logs of a state folder; what was fetched (tools, models) stays. */
export async function reset(state: string): Promise<void> {
  const layout = layoutOf(state);
  const supervisor = await supervisorOf(layout);
  if (supervisor !== null) {
    throw new AssayError(
      'UNAVAILABLE',
      `a local Assay runs in ${state} (process ${supervisor.pid}); \`assay local down\` first`,
    );
  }
  await endOrphans(layout);
  const { versionFile, tokenFile, clientFile, portsFile, demoFile } = layout;
  for (const entry of [...dataFolders(layout), versionFile, tokenFile, clientFile, portsFile, demoFile]) {
    await rm(entry, { recursive: true, force: true });
  }
}
