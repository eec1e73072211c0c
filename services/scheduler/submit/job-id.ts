import { createHash } from 'node:crypto';
import type { JobId } from '@assay/lib/domain';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 12;

/**
 * The id of the job that a tenant asked for under a `request_id`: the first 60 bits of a SHA-256 in base 32
 * (RFC 4648, lower case). The same request names the same job, so a repeated submit meets the key it wrote before.
 */
export function jobIdOf(tenant: string, requestId: string): JobId {
  return base32Of([tenant, requestId], LENGTH);
}

/** The name of a dry run's work: of what a tenant asks, with a digit in front that no job id begins with. */
export function dryRunIdOf(tenant: string, content: unknown): string {
  return `1${base32Of([tenant, content], LENGTH - 1)}`;
}

function base32Of(content: unknown, length: number): string {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest();
  let bits = digest.readBigUInt64BE(0);
  let text = '';
  for (let i = 0; i < length; i++) {
    text += ALPHABET[Number(bits >> 59n) & 31] ?? '';
    bits = (bits << 5n) & 0xffff_ffff_ffff_ffffn;
  }
  return text;
}

/** SHA-256 over what was asked, without the endpoint's key: a `request_id` stands for one content only. */
export function contentHashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
