import { chown } from 'node:fs/promises';

// Hands folders that the kubelet made over to who works in them: own.ts FOLDER…, with ASSAY_OWNER, a number.
const owner = Number(process.env['ASSAY_OWNER']);
const folders = process.argv.slice(2);
if (!Number.isSafeInteger(owner) || owner < 1 || folders.length === 0) {
  console.error('own.ts FOLDER…, with ASSAY_OWNER, the number of a user');
  process.exit(2);
}
for (const folder of folders) await chown(folder, owner, owner);
