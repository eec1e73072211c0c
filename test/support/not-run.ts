import { appendFile } from 'node:fs/promises';

/** Says on the console and in the file of ASSAY_NOT_RUN that a part of the tests cannot run here, and why. */
export async function notRun(part: string, why: string): Promise<void> {
  const line = `${part}: ${why}`;
  console.log(`not run: ${line}`);
  const file = process.env['ASSAY_NOT_RUN'];
  if (file !== undefined) await appendFile(file, `${line}\n`);
}
