const RESET = '\u001b[0m';
const GREEN = '\u001b[32m';
const DIM = '\u001b[2m';

const STATES: Readonly<Record<string, string>> = {
  SUCCEEDED: GREEN,
  FAILED: '\u001b[31m',
  CANCELLED: '\u001b[33m',
};
const RUNNING = '\u001b[36m';

/** Colours for the live view: the state in its first line, the bars in the others. Takes text that is plain. */
export function paint(lines: readonly string[]): string[] {
  return lines.map((line, i) =>
    i === 0
      ? line.replace(
          / {2}([A-Z]+) {2}/,
          (_, state: string) => `  ${STATES[state] ?? RUNNING}${state}${RESET}  `,
        )
      : line.replaceAll(/█+/g, `${GREEN}$&${RESET}`).replaceAll(/░+/g, `${DIM}$&${RESET}`),
  );
}
