import { createLog } from '@assay/lib/log';
import { ExecSide, openJail, openJailAt, type Jail } from '@assay/lib/python';
import { execIsPossible, execProcess } from '../support/exec-side/exec-process.ts';

interface Where {
  readonly where: string;
  readonly open: () => Promise<Opened>;
}

interface Opened {
  readonly jail: Jail;
  /** Of the process that starts the zygotes. */
  readonly parent: number;
  close(): Promise<void>;
}

const here: Where = {
  where: 'of this process',
  open: async () => {
    const log = createLog({ service: 'test', level: 'silent', pretty: false });
    const jail = await openJail({ path: process.env['PATH'] ?? '', slots: 2, log });
    return { jail, parent: process.pid, close: async () => await jail.close() };
  },
};

const overSocket: Where = {
  where: 'in the exec container',
  open: async () => {
    const exec = await execProcess();
    const jail = await openJailAt(new ExecSide(exec.socket), 2, new AbortController().signal);
    const close = async (): Promise<void> => {
      await jail.close();
      await exec.close();
    };
    return { jail, parent: exec.pid, close };
  },
};

/** A jail with two slots, wherever there can be one: a suite runs over each. */
export const JAILS: readonly Where[] = (await execIsPossible('the jail in a container of its own'))
  ? [here, overSocket]
  : [here];
