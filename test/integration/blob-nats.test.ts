import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobRefOf, type Blob } from '@assay/lib/blob';
import type { BlobRef } from '@assay/lib/domain';
import { sweepObjects } from '../../lib/blob/nats-sweep.ts';
import { connectLink } from '../../lib/bus/connect.ts';
import { log } from './bus-fixture.ts';
import { openNatsBlob } from '../support/nats-blob.ts';
import { startNats, type NatsServer } from '../support/nats.ts';

const MIB = 1024 ** 2;
const STREAM = 'OBJ_assay_blobs';
let server: NatsServer;
let blob: Blob;
let nc: NatsConnection;
let manager: JetStreamManager;

beforeEach(async () => {
  server = await startNats();
  blob = await openNatsBlob(server, { maxBytes: 64 * MIB });
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  manager = await nc.jetstreamManager();
});

afterEach(async () => {
  await blob.close();
  await nc.close();
  await server.stop();
});

const digitsOf = (ref: BlobRef) => ref.slice('sha256:'.length);

async function chunkSubjects(): Promise<Record<string, number>> {
  const info = await manager.streams.info(STREAM, { subjects_filter: '$O.assay_blobs.C.*' });
  return info.state.subjects ?? {};
}

async function listed(olderThanMs?: number): Promise<string[]> {
  const refs: string[] = [];
  for await (const ref of blob.list(olderThanMs)) refs.push(ref);
  return refs.toSorted();
}

describe('a NATS object store', () => {
  test('is shared, and takes blobs that are larger than a message', async () => {
    const bytes = randomBytes(5 * MIB + 17);
    const ref = await blob.put(bytes);
    const other = await openNatsBlob(server);
    expect(Buffer.from(await other.get(ref)).equals(bytes)).toBe(true);
    await other.close();
    expect(Object.values(await chunkSubjects())).toEqual([21]);
  });

  test('is one that other NATS clients read', async () => {
    const bytes = randomBytes(MIB);
    const ref = await blob.put(bytes);
    const store = await nc.jetstream().views.os('assay_blobs');
    expect(Buffer.from((await store.getBlob(digitsOf(ref))) ?? []).equals(bytes)).toBe(true);
    expect(await store.info(digitsOf(ref))).toMatchObject({ size: MIB, chunks: 4, bucket: 'assay_blobs' });
  });

  test('keeps one blob of two writers at the same time', async () => {
    const other = await openNatsBlob(server);
    const bytes = randomBytes(2 * MIB);
    const refs = await Promise.all([blob.put(bytes), other.put(bytes), blob.put(bytes), other.put(bytes)]);
    expect(new Set(refs).size).toBe(1);
    expect(await listed()).toEqual([blobRefOf(bytes)]);
    expect(Buffer.from(await other.get(blobRefOf(bytes))).equals(bytes)).toBe(true);
    await other.close();
  });

  test('survives writers and deleters of the same blob', { timeout: 60_000 }, async () => {
    const other = await openNatsBlob(server);
    const bytes = randomBytes(300_000);
    const ref = blobRefOf(bytes);
    for (let round = 0; round < 30; round += 1) {
      await blob.put(bytes);
      await Promise.all([blob.put(bytes), other.delete(ref), other.put(bytes), blob.delete(ref)]);
      const there = await other.has(ref);
      if (there) expect(Buffer.from(await blob.get(ref)).equals(bytes)).toBe(true);
      else await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
    }
    await other.close();
  });

  test('does not give out bytes that have changed', async () => {
    const ref = await blob.put(Buffer.from('right'));
    const [subject = ''] = Object.keys(await chunkSubjects());
    await manager.streams.purge(STREAM, { filter: subject });
    await nc.jetstream().publish(subject, 'wrong');
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'INTERNAL' });
  });

  test('writes again what lost a part', async () => {
    const bytes = randomBytes(MIB);
    const ref = await blob.put(bytes);
    const [subject = ''] = Object.keys(await chunkSubjects());
    await manager.streams.purge(STREAM, { filter: subject, keep: 2 });
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'INTERNAL' });
    await blob.put(bytes);
    expect(Buffer.from(await blob.get(ref)).equals(bytes)).toBe(true);
  });

  test('sweeps what nothing refers to, once it is old, and old words about a blob', async () => {
    const bytes = randomBytes(MIB);
    const ref = await blob.put(bytes);
    await blob.put(bytes);
    await nc.jetstream().publish('$O.assay_blobs.C.left', 'by a writer that was killed');
    const link = await connectLink({ url: server.url, name: 'test', log });
    await sweepObjects(link, Date.now());
    expect(Object.keys(await chunkSubjects())).toHaveLength(2);
    await sweepObjects(link, Date.now() + 2 * 3_600_000);
    await link.close();
    expect(Object.values(await chunkSubjects())).toEqual([4]);
    expect((await manager.streams.info(STREAM)).state.messages).toBe(5);
    expect(Buffer.from(await blob.get(ref)).equals(bytes)).toBe(true);
  });

  test('tells old blobs from those that were written again lately', async () => {
    const [old, again] = [await blob.put(Buffer.from('old')), await blob.put(Buffer.from('again'))];
    await sleep(600);
    await blob.put(Buffer.from('again'));
    expect(await listed(500)).toEqual([old]);
    expect(await listed()).toEqual([old, again].toSorted());
  });

  test('that is full says so, as a passing fault, and takes blobs again when there is room', async () => {
    const refs: BlobRef[] = [];
    const fill = async (bytes: number) => {
      for (;;) refs.push(await blob.put(randomBytes(bytes)));
    };
    const full = { reason: 'BLOB_STORE_FULL', permanent: false };
    await expect(fill(3 * MIB)).rejects.toMatchObject(full);
    expect(Object.keys(await chunkSubjects())).toHaveLength(refs.length);
    await expect(fill(200_000)).rejects.toMatchObject(full);
    for (const ref of refs) expect(blobRefOf(await blob.get(ref))).toBe(ref);
    for (const ref of refs) await blob.delete(ref);
    expect(await chunkSubjects()).toEqual({});
    await blob.put(randomBytes(3 * MIB));
  });

  test('that nobody has made yet is a broker that is not ready', { timeout: 60_000 }, async () => {
    await manager.streams.delete(STREAM);
    const early = await openNatsBlob(server);
    const waiting = { reason: 'BROKER_UNAVAILABLE', permanent: false };
    await expect(early.get(blobRefOf(new Uint8Array()))).rejects.toMatchObject(waiting);
    await expect(early.put(Buffer.from('x'))).rejects.toMatchObject(waiting);
    await early.close();
  });
});

describe('the broker of a NATS object store', () => {
  test(
    'can be killed while blobs are written and read: none is lost or broken',
    { timeout: 120_000 },
    async () => {
      const blobs = Array.from({ length: 24 }, () => randomBytes(400_000));
      const puts = Promise.all(blobs.map((bytes) => blob.put(bytes)));
      for (let kill = 0; kill < 3; kill += 1) {
        await sleep(60);
        await server.kill();
        await server.restart();
      }
      const refs = await puts;
      expect(refs).toEqual(blobs.map((bytes) => blobRefOf(bytes)));
      expect(await listed()).toEqual([...refs].toSorted());
      const gets = Promise.all(refs.map((ref) => blob.get(ref)));
      await sleep(30);
      await server.kill();
      await server.restart();
      expect((await gets).map((bytes) => blobRefOf(bytes))).toEqual(refs);
      expect(Object.values(await chunkSubjects())).toEqual(blobs.map(() => 2));
    },
  );

  test('that stays away is a passing fault', { timeout: 60_000 }, async () => {
    const ref = await blob.put(Buffer.from('x'));
    await server.kill();
    const away = { reason: 'BROKER_UNAVAILABLE', permanent: false };
    await Promise.all([
      expect(blob.put(Buffer.from('y'))).rejects.toMatchObject(away),
      expect(blob.get(ref)).rejects.toMatchObject(away),
      expect(blob.has(ref)).rejects.toMatchObject(away),
      expect(blob.delete(ref)).rejects.toMatchObject(away),
      expect(listed()).rejects.toMatchObject(away),
    ]);
    await server.restart();
    expect(await blob.has(ref)).toBe(true);
  });
});
