import type { Lane } from './generate/lane.ts';

/** What the runner does right now, in words for a person; everyone who has a job sees them, so they name nobody's. */
export function activityOf(lanes: readonly Lane[], preparing: number, checking: number): string {
  const words: string[] = [];
  if (preparing > 0) words.push(`preparing ${preparing} task${preparing === 1 ? '' : 's'}`);
  if (checking > 0) words.push('checking a model server');
  const busy = lanes.filter((lane) => lane.shards > 0);
  const away = busy.filter((lane) => !lane.open).length;
  const inFlight = busy.reduce((sum, lane) => sum + lane.inFlight, 0);
  const limit = busy.reduce((sum, lane) => sum + lane.limit, 0);
  if (busy.length > away) words.push(`generating ${inFlight} in flight, limit ${limit}`);
  if (away > 0) words.push(`waiting for ${away} model server${away === 1 ? '' : 's'}`);
  return words.length === 0 ? 'idle' : words.join('; ');
}
