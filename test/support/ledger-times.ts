import { connect, DeliverPolicy, AckPolicy } from 'nats';
import type { Generation } from '@assay/lib/domain';

/** When each generation of a job was stored, by subject, as the broker says: epoch milliseconds. */
export async function storedGenerations(
  url: string,
  token: string,
  job: string,
): Promise<{ readonly generation: Generation; readonly storedAtMs: number; readonly subject: string }[]> {
  const connection = await connect({ servers: url, token });
  try {
    const manager = await connection.jetstreamManager();
    const filter = `assay.p0.generations.*.${job}.>`;
    const consumer = await manager.consumers.add('GENERATIONS_p0', {
      filter_subject: filter,
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.None,
      inactive_threshold: 60_000_000_000,
    });
    const found: {
      readonly generation: Generation;
      readonly storedAtMs: number;
      readonly subject: string;
    }[] = [];
    const pull = await connection.jetstream().consumers.get('GENERATIONS_p0', consumer.name);
    while (found.length < consumer.num_pending) {
      // No more than there are, or the fetch waits for others until it expires.
      const most = Math.min(500, consumer.num_pending - found.length);
      for await (const message of await pull.fetch({ max_messages: most, expires: 5_000 })) {
        const storedAtMs = message.info.timestampNanos / 1_000_000;
        found.push({ generation: message.json<Generation>(), storedAtMs, subject: message.subject });
      }
    }
    return found;
  } finally {
    await connection.close();
  }
}
