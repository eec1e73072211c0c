// What is there at once takes one line, not two.
const START_MS = 100;
const TICK_MS = 500;
const QUIET_TICK_MS = 15_000;

/**
 * Shows a step while it works: on a terminal in one line that is rewritten, elsewhere a line now and then.
 *
 * @param {{ write: (text: string) => void, terminal: boolean }} screen
 */
export async function showing(screen, title, how, work) {
  const begun = Date.now();
  const line = () =>
    `${title} … ${[how(), `${Math.round((Date.now() - begun) / 1000)} s`].filter(Boolean).join(', ')}`;
  const show = () => screen.write(screen.terminal ? `\r\x1b[K${line()}` : `${line()}\n`);
  const start = setTimeout(show, START_MS);
  const timer = setInterval(show, screen.terminal ? TICK_MS : QUIET_TICK_MS);
  let outcome = 'stopped';
  try {
    outcome = await work();
    return outcome;
  } finally {
    clearTimeout(start);
    clearInterval(timer);
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    const end = outcome === 'stopped' ? 'not done' : `${outcome} (${seconds} s)`;
    screen.write(screen.terminal ? `\r\x1b[K${title} … ${end}\n` : `${title} … ${end}\n`);
  }
}

export function mebibytes(bytes) {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
