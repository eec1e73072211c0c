import { readFile } from 'node:fs/promises';

/**
 * What a process's log says last about what went wrong: the last record with an error, else its last line; or nothing.
 * The lines are pino's records, or what the command line prints when it fails.
 */
export async function lastFault(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  // What is indented is advice that belongs to the line before.
  const lines = text
    .slice(-TAIL_CHARACTERS)
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith(' '))
    .map(read);
  return (lines.findLast((line) => line.error !== '')?.error ?? lines.at(-1)?.text ?? '').trim();
}

const TAIL_CHARACTERS = 32_768;

function read(line: string): { readonly error: string; readonly text: string } {
  try {
    const value: unknown = JSON.parse(line);
    const err = isObject(value) ? value['err'] : undefined;
    return { error: textOf(err, 'message'), text: isObject(value) ? textOf(value, 'msg') : line };
  } catch {
    return { error: /^assay: (.*) \([A-Z_]+\)$/.exec(line)?.[1] ?? '', text: line };
  }
}

function textOf(value: unknown, key: string): string {
  const text = isObject(value) ? value[key] : undefined;
  return typeof text === 'string' ? text : '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
