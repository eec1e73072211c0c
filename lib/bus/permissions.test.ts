import { describe, expect, test } from 'vitest';
import { permissionsOf, SERVICE_NAMES } from './permissions.ts';
import { BUCKETS, bucketStream, bucketSubject, partitionStreams, partitionSubjects } from './streams.ts';

const of = (service: (typeof SERVICE_NAMES)[number]) => permissionsOf(service, service, ['p0', 'p1']).publish;
const writers = (subject: string) => SERVICE_NAMES.filter((service) => of(service).includes(subject));

describe('the permissions of the services', () => {
  test.each(['p0', 'p1'])('give each stage of partition %s one writer', (partition) => {
    const subjects = partitionSubjects(partition);
    expect(writers(subjects.generations)).toEqual(['runner']);
    expect(writers(subjects.scores)).toEqual(['sandbox']);
    expect(writers(subjects.shards)).toEqual(['scheduler']);
    expect(writers(subjects.work)).toEqual(['scheduler']);
  });

  test('give each bucket a writer, and the lead and the jobs to the scheduler alone', () => {
    const found = Object.fromEntries(
      BUCKETS.map((bucket) => [bucket.bucket, writers(bucketSubject(bucket))]),
    );
    expect(found).toEqual({
      assay_jobs: ['scheduler'],
      assay_servers: ['scheduler'],
      assay_stages: ['scheduler', 'runner'],
      assay_leader: ['scheduler'],
      assay_workers: ['runner', 'sandbox', 'reporter'],
      assay_progress: ['scheduler'],
      assay_bundles: ['scheduler'],
    });
  });

  test('let the scheduler alone make and empty a stream, and nobody delete one', () => {
    const streams = [
      ...Object.values(partitionStreams('p0')),
      ...BUCKETS.map(bucketStream),
      'OBJ_assay_blobs',
    ];
    for (const stream of streams) {
      for (const verb of ['CREATE', 'UPDATE', 'PURGE'])
        expect(writers(`$JS.API.STREAM.${verb}.${stream}`)).toEqual(['scheduler']);
    }
    const all = SERVICE_NAMES.flatMap(of);
    expect(all.filter((subject) => subject.includes('STREAM.DELETE'))).toEqual([]);
    // Its answer is the message itself, and could be sent to where the asker may not publish.
    expect(all.filter((subject) => subject.includes('DIRECT.GET'))).toEqual([]);
  });

  test('name every stream: no wildcard stands for one', () => {
    for (const subject of SERVICE_NAMES.flatMap(of)) {
      const tokens = subject.replace('$JS.ACK.*.*.', '$JS.ACK.').split('.');
      expect(tokens.slice(0, -1).join('.')).not.toMatch(/[*>]/);
    }
  });

  test('give each user an inbox that no other one hears', () => {
    const inboxes = ['a', 'b'].map((user) => permissionsOf('sandbox', user, ['p0']).subscribe);
    expect(inboxes).toEqual([['_INBOX_a.>'], ['_INBOX_b.>']]);
  });
});
