import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readServersFile, type Operator } from '../servers-file.ts';

/** An operator's file with a volume for weights, and what `over` says. */
export async function operator(over: Readonly<Record<string, unknown>> = {}): Promise<Operator> {
  const said = {
    namespace: 'assay-servers',
    service_image: 'assay/service:0.1.0',
    weights: { storage: { claim: 'assay-weights' } },
    ...over,
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-servers-file-'));
  try {
    const file = path.join(folder, 'servers.yaml');
    await writeFile(file, JSON.stringify(said));
    return await readServersFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
