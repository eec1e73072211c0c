// `helm test`: asks what is installed whether it works, from where its pods are. One line for each question, exit code 1
// when one was not answered well.
import { readFileSync } from 'node:fs';
import { connectBus } from '@assay/lib/bus';
import { brokerOf } from '@assay/lib/config';
import { settingsOrExit } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { call, connectRpc, healthOf } from '@assay/lib/rpc';
import { JobServiceClient, JobState } from '@assay/proto/assay/v1/job';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { readConfig } from './chart-test-config.ts';

const DEADLINE_MS = 10_000;

const config = settingsOrExit('chart-test', () => readConfig(process.env));
const log = createLog({ service: 'chart-test', level: 'error' });
const signal = AbortSignal.timeout(config.TIMEOUT);
const token = config.TOKEN_FILE === undefined ? config.TOKEN : readFileSync(config.TOKEN_FILE, 'utf8').trim();
const connection = token === undefined ? {} : { token };

/** Each says what it found. */
const questions: Readonly<Record<string, () => Promise<string>>> = {
  "the scheduler's health": () => healthOf(config.SCHEDULER, 'assay.v1.JobService', DEADLINE_MS),
  "the reporter's health": () => healthOf(config.REPORTER, 'assay.v1.ResultService', DEADLINE_MS),
  async 'the list of jobs'() {
    const client = connectRpc(JobServiceClient, config.SCHEDULER, connection);
    const request = { pageSize: 1, pageToken: '', state: JobState.UNSPECIFIED };
    const { jobs } = await call(client, 'listJobs', request, { deadlineMs: DEADLINE_MS });
    return jobs.length === 0 ? 'empty' : 'there are some';
  },
  async 'the list of results'() {
    const client = connectRpc(ResultServiceClient, config.REPORTER, connection);
    const request = { pageSize: 1, pageToken: '' };
    const { results } = await call(client, 'listResults', request, { deadlineMs: DEADLINE_MS });
    return results.length === 0 ? 'empty' : 'there are some';
  },
  async 'the broker'() {
    const bus = await connectBus({ ...brokerOf(config), name: 'chart-test', log, signal });
    for (const partition of config.PARTITIONS) await bus.ready(partition, signal);
    await bus.close();
    return `has the streams of ${config.PARTITIONS.join(', ')}`;
  },
};

for (const [what, ask] of Object.entries(questions)) {
  try {
    const found = await ask();
    const well = found !== 'NOT_SERVING';
    if (!well) process.exitCode = 1;
    console.log(`${well ? 'ok  ' : 'FAIL'} ${what}: ${found}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exit();
