import { appendFile } from 'node:fs/promises';

/**
 * Says on the console and in the file of ASSAY_NOT_RUN that a part of the tests cannot run here, and why. An error where
 * ASSAY_REQUIRE names what it needs.
 */
export async function notRun(part: string, why: string, need?: string): Promise<void> {
  const required = (process.env['ASSAY_REQUIRE'] ?? '').split(',');
  if (need !== undefined && required.includes(need)) throw new Error(`${part}: ${why}`);
  const line = `${part}: ${why}`;
  console.log(`not run: ${line}`);
  const file = process.env['ASSAY_NOT_RUN'];
  if (file !== undefined) await appendFile(file, `${line}\n`);
}
