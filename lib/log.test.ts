import { describe, expect, it } from 'vitest';
import { AssayError } from './errors.ts';
import { createLog } from './log.ts';

function logged(pretty: boolean) {
  const lines: string[] = [];
  const log = createLog(
    { service: 'test', level: 'info', pretty },
    { write: (line) => void lines.push(line) },
  );
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') };
}

describe('createLog', () => {
  it('writes one JSON object a line, with what the child carries', () => {
    const { log, lines, last } = logged(false);
    log.child({ job: 'j1', trace: 't' }).info({ n: 1 }, 'done');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(last()).toMatchObject({
      level: 'info',
      service: 'test',
      job: 'j1',
      trace: 't',
      n: 1,
      msg: 'done',
    });
  });

  it('hides secrets, also inside other objects', () => {
    const { log, lines } = logged(false);
    log.info({
      token: 'A1',
      config: { TOKEN: 'A2', NATS_TOKEN: 'A3' },
      request: { headers: { authorization: 'A4' } },
    });
    log.info({ endpoint: { apiKey: 'A5', api_key: 'A6' } });
    expect(lines.join('')).not.toMatch(/A\d/);
    expect(lines.join('').match(/\[secret\]/g)).toHaveLength(6);
  });

  it('says the reason of an error of ours, and what caused it', () => {
    const { log, last } = logged(false);
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const violations = [{ field: 'a', message: 'is wrong' }];
    log.warn({ err: new AssayError('INVALID_REQUEST', 'no', { violations, cause }) }, 'failed');
    expect(last().err).toMatchObject({
      type: 'AssayError',
      reason: 'INVALID_REQUEST',
      permanent: true,
      violations,
      cause: { message: 'refused', code: 'ECONNREFUSED' },
    });
  });

  it('ends with an error that is its own cause', () => {
    const { log, last } = logged(false);
    const error = new Error('round');
    error.cause = error;
    log.error({ err: error }, 'failed');
    expect(last().err.message).toBe('round');
  });

  const hostile = '\u001b]0;owned\u0007\u009b2J\u202egnp\r\u0000';

  it.each([true, false])('sends nothing to a terminal that it would obey (pretty %s)', (pretty) => {
    const { log, lines } = logged(pretty);
    log.info({ text: hostile, err: new Error(hostile), [hostile]: 1 }, hostile);
    // oxlint-disable-next-line no-control-regex -- the colours are its own
    const own = lines.join('').replaceAll(/\u001b\[\d+m/g, '');
    expect(own).toContain('owned');
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(own).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it('loses nothing of a text for those who read the JSON', () => {
    const { log, last } = logged(false);
    log.info({ text: hostile }, 'done');
    expect(last().text).toBe(hostile);
  });
});
