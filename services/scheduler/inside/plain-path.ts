const LONGEST = 512;

/** Whether a file's name stays in its folder, whoever gave it, and is none that the folder keeps for itself. */
export function isPlainPath(name: string): boolean {
  if (name.length > LONGEST || name.endsWith('.part') || name.toLowerCase() === '.complete.json')
    return false;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\\]/.test(name)) return false;
  return name.split('/').every((part) => !['', '.', '..'].includes(part));
}
