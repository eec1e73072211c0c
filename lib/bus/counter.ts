import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import { randomBytes } from 'node:crypto';
import { consumerInfo, deleteConsumer, ensureConsumer } from './api.ts';
import type { Counter } from './bus.ts';
import type { Link } from './link.ts';

/**
 * A consumer that never consumes: the broker keeps its pending count current, so asking costs the same for ten entries
 * and ten million. It lives in the broker's memory and is made again when a restart or a long silence ended it.
 */
export async function openCounter(link: Link, stream: string, filter: string): Promise<Counter> {
  const name = `count-${randomBytes(9).toString('base64url')}`;
  const create = async () => {
    const info = await ensureConsumer(link, stream, {
      name,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      headers_only: true,
      mem_storage: true,
      inactive_threshold: nanos(IDLE_MS),
    });
    return info.num_pending;
  };
  await create();
  return {
    value: async () => {
      const info = await consumerInfo(link, stream, name);
      return info === null ? await create() : info.num_pending;
    },
    close: () => deleteConsumer(link, stream, name),
  };
}

const IDLE_MS = 10 * 60_000;
