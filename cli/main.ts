import { run } from './program.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error(`interrupted by ${signal}`));
  });
}
// A reader that has seen enough (`assay samples … | head`) is no error.
process.stdout.on('error', (error: Error & { code?: string }) =>
  process.exit(error.code === 'EPIPE' ? 0 : 1),
);

await run(process.argv.slice(2), {
  env: process.env,
  out: {
    write: (text) => void process.stdout.write(text),
    isTty: process.stdout.isTTY && process.env['TERM'] !== 'dumb',
    get width() {
      // Some terminals say 0 for what they do not know.
      return process.stdout.columns > 0 ? process.stdout.columns : 120;
    },
    get height() {
      return process.stdout.rows > 0 ? process.stdout.rows : undefined;
    },
    // https://no-color.org
    color: (process.env['NO_COLOR'] ?? '') === '',
  },
  err: (text) => void process.stderr.write(`${text}\n`),
  interrupted: interrupted.signal,
  setExitCode: (code) => {
    process.exitCode = code;
  },
});
