import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const lib = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** A service of its own process: `start` is the body of its start, `say` writes a line that the test reads. */
function service(start: string, graceMs = 60_000) {
  const script = `
    import { runService } from ${lib('life.ts')};
    import { createLog } from ${lib('log.ts')};
    const say = (text) => console.log(text);
    const forever = (signal) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)));
    setInterval(() => {}, 1_000);
    await runService({
      name: 'test',
      log: createLog({ service: 'test', level: 'info', pretty: false }),
      graceMs: ${graceMs},
      start: async (life) => { ${start} },
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return {
    signal: (name: NodeJS.Signals) => child.kill(name),
    async said(text: string) {
      while (!output.includes(text)) await once(child.stdout, 'data');
    },
    async end() {
      const [code]: unknown[] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      const said = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
      return { code, said, output };
    },
  };
}

describe('runService', () => {
  it('finishes what is in hand after SIGTERM, then closes, last opened first', async () => {
    const subject = service(`
      life.onClose('first', async () => say('first closed'));
      life.onClose('second', async () => say('second closed'));
      life.track('work', new Promise((done) => life.stop.addEventListener('abort', () => {
        say('stopping');
        setTimeout(() => { say(life.kill.aborted ? 'killed' : 'finished'); done(); }, 30);
      })));
      say('up');`);
    await subject.said('up');
    subject.signal('SIGTERM');
    expect(await subject.end()).toMatchObject({
      code: 0,
      said: ['up', 'stopping', 'finished', 'second closed', 'first closed'],
    });
  });

  it('gives up what is in hand when the grace is over', async () => {
    const subject = service(
      `life.kill.addEventListener('abort', () => say(life.kill.reason.message));
       life.onClose('all', async () => say('closed'));
       life.track('work', new Promise(() => {}));
       say('up');`,
      50,
    );
    await subject.said('up');
    subject.signal('SIGTERM');
    expect(await subject.end()).toMatchObject({ code: 0, said: ['up', 'the grace is over', 'closed'] });
  });

  it('gives up at once on a second signal', async () => {
    const subject = service(`
      life.stop.addEventListener('abort', () => say('stopping'));
      life.track('work', forever(life.kill).finally(() => say('gave up')));
      say('up');`);
    await subject.said('up');
    subject.signal('SIGINT');
    await subject.said('stopping');
    subject.signal('SIGINT');
    expect(await subject.end()).toMatchObject({ code: 0, said: ['up', 'stopping', 'gave up'] });
  });

  it('ends although the start never does', async () => {
    const subject = service(`say('up'); await new Promise(() => {});`, 50);
    await subject.said('up');
    subject.signal('SIGTERM');
    expect((await subject.end()).code).toBe(0);
  });

  it('goes on to the next when something cannot be closed', async () => {
    const subject = service(`
      life.onClose('fine', async () => say('closed'));
      life.onClose('broken', () => { throw new Error('cannot'); });
      say('up');`);
    await subject.said('up');
    subject.signal('SIGTERM');
    const end = await subject.end();
    expect(end).toMatchObject({ code: 0, said: ['up', 'closed'] });
    expect(end.output).toContain('"not closed"');
  });

  it.each([
    ['the start fails', `throw new Error('cause')`],
    ['tracked work fails', `life.track('work', Promise.reject(new Error('cause')));`],
    ['a promise is left alone', `void Promise.reject(new Error('cause'));`],
    ['something throws', `setTimeout(() => { throw new Error('cause'); }, 1);`],
    ['it says so itself', `life.fail(new Error('cause'));`],
  ])('ends with 1, in order and with a line in the log, when %s', async (_, start) => {
    const subject = service(`life.onClose('all', async () => say('closed')); ${start}`);
    const { code, said, output } = await subject.end();
    expect(code).toBe(1);
    expect(said).toEqual(['closed']);
    expect(output).toMatch(/"level":"fatal".*cause/);
  });
});
