export { ExecSide } from './exec-side.ts';
export { openJail, openJailAt, type Jail, type JailOptions } from './jail.ts';
export type { JailReport } from './probe.ts';
export type { Execution, ExecutionStatus, Limits, Submission, Tests } from './submission.ts';
