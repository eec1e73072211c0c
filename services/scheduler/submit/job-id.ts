import { createHash } from 'node:crypto';
import type { JobId } from '@assay/lib/domain';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 12;

/**
 * The id of the job that a tenant asked for under a `request_id`: the first 60 bits of a SHA-256 in base 32
 * (RFC 4648, lower case). The same request names the same job, so a repeated submit meets the key it wrote before.
 */
export function jobIdOf(tenant: string, requestId: string): JobId {
  const digest = createHash('sha256')
    .update(JSON.stringify([tenant, requestId]))
    .digest();
  let bits = digest.readBigUInt64BE(0);
  let id = '';
  for (let i = 0; i < LENGTH; i++) {
    id += ALPHABET[Number(bits >> 59n) & 31] ?? '';
    bits = (bits << 5n) & 0xffff_ffff_ffff_ffffn;
  }
  return id;
}

/** SHA-256 over what was asked, without the endpoint's key: a `request_id` stands for one content only. */
export function contentHashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
