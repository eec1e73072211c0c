import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const BUILD = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in json.loads(sys.argv[2]).items():
        wheel.writestr(name, text)
`;

/**
 * Puts a small wheel into a folder and, with `pin`, its hash into a clone's pins, in place of the real one: pip then takes
 * it for what it was to bring.
 */
export async function putWheel(
  folder: string,
  wheel: {
    readonly package: string;
    readonly version: string;
    readonly files: Readonly<Record<string, string>>;
  },
  pin?: { readonly root: string; readonly insteadOf: readonly string[] },
): Promise<void> {
  const name = wheel.package.replaceAll('-', '_');
  const metadata = `Metadata-Version: 2.1\nName: ${wheel.package}\nVersion: ${wheel.version}\n`;
  const info = `${name}-${wheel.version}.dist-info`;
  const file = path.join(folder, `${name}-${wheel.version}-py3-none-any.whl`);
  const files = {
    ...wheel.files,
    [`${info}/METADATA`]: metadata,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  };
  await promisify(execFile)('python3', ['-c', BUILD, file, JSON.stringify(files)]);
  if (pin === undefined) return;
  const hash = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  const pins = path.join(pin.root, 'scripts/setup/pins.mjs');
  const text = await readFile(pins, 'utf8');
  await writeFile(
    pins,
    pin.insteadOf.reduce((all, old) => all.replace(old, hash), text),
  );
}
