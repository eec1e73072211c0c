import { JobState, type Job, type StartPhase } from '@assay/proto/assay/v1/job';
import { plain } from './plain.ts';
import { duration } from './table.ts';

/** How the job's model server starts, a line for each phase; none once the job is past that. */
export function startLines(job: Job, nowMs = Date.now()): readonly string[] {
  if (job.state !== JobState.STARTING || job.start.length === 0) return [];
  const where = job.node === '' ? '' : ` on ${plain(job.node)}`;
  return [`  model server${where}:`, ...job.start.map((phase) => `    ${phaseLine(phase, nowMs)}`)];
}

/** `weights   12 s  34 of 88 MiB  resumes model.gguf` */
export function phaseLine(phase: StartPhase, nowMs: number): string {
  const from = Date.parse(phase.startTime ?? '');
  const to = phase.endTime === undefined ? nowMs : Date.parse(phase.endTime);
  const took = Number.isNaN(from) || phase.phase === 'ready' ? '' : duration(Math.max(0, to - from) / 1_000);
  const amount = phase.bytes === 0n ? '' : `  ${bytesOf(phase)}`;
  return `${phase.phase.padEnd(8)} ${took.padStart(9)}${amount}  ${plain(phase.detail)}`;
}

function bytesOf({ bytes, totalBytes }: StartPhase): string {
  const mib = (amount: bigint) => (Number(amount) / 1024 / 1024).toFixed(0);
  return totalBytes === 0n ? `${mib(bytes)} MiB` : `${mib(bytes)} of ${mib(totalBytes)} MiB`;
}
