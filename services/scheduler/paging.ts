import { AssayError } from '@assay/lib/errors';
import type { JobRecord } from '@assay/lib/domain';

const DEFAULT_SIZE = 50;
const MOST = 500;

export interface Page {
  readonly jobs: readonly JobRecord[];
  readonly nextPageToken: string;
}

/** One page of jobs, newest first. The token is the last job's place in that order, so that new jobs shift nothing. */
export function pageOf(jobs: Iterable<JobRecord>, size: number, pageToken: string): Page {
  if (size < 0 || size > MOST) {
    throw new AssayError('INVALID_REQUEST', `page_size is ${size}`, {
      violations: [{ field: 'page_size', message: `must be from 0 (means ${DEFAULT_SIZE}) to ${MOST}` }],
    });
  }
  const after = pageToken === '' ? null : parse(pageToken);
  const newest = [...jobs].sort((a, b) => compare(placeOf(b), placeOf(a)));
  const rest = after === null ? newest : newest.filter((job) => compare(placeOf(job), after) < 0);
  const page = rest.slice(0, size === 0 ? DEFAULT_SIZE : size);
  const last = page.at(-1);
  const more = rest.length > page.length && last !== undefined;
  return { jobs: page, nextPageToken: more ? Buffer.from(placeOf(last)).toString('base64url') : '' };
}

function placeOf(job: JobRecord): string {
  return `${job.createdAt} ${job.id}`;
}

function parse(token: string): string {
  const place = Buffer.from(token, 'base64url').toString('utf8');
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z [a-z2-7]{12}$/.test(place)) return place;
  throw new AssayError('INVALID_REQUEST', 'page_token is not one that ListJobs gave', {
    violations: [
      { field: 'page_token', message: 'must be the next_page_token of an earlier answer, or empty' },
    ],
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
