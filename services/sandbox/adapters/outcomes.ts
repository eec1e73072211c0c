import { cachedBlob, type Blob } from '@assay/lib/blob';
import type { GenerationOutcome, ScoreOutcome } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Outcomes } from '../ports.ts';

/** The largest outcome that a message carries itself. */
const INLINE_BYTES = 256 * 1024;
const CACHE_BYTES = 8 * 1024 * 1024;

/** Outcomes over 256 KiB are blobs, named by their content. */
export function blobOutcomes(store: Blob): Outcomes {
  const blob = cachedBlob(store, CACHE_BYTES);
  return {
    async read(outcome) {
      if (!('blob' in outcome)) return outcome;
      const text = Buffer.from(await blob.get(outcome.blob)).toString('utf8');
      try {
        const read: GenerationOutcome = JSON.parse(text);
        return read;
      } catch (error) {
        throw new AssayError('INTERNAL', `blob ${outcome.blob} does not hold an outcome`, { cause: error });
      }
    },
    async pack(outcome) {
      const json = JSON.stringify(outcome);
      // JSON writes a lone surrogate as such an escape, which a database then refuses.
      const clean = json.includes('\\ud') ? wellFormed(json) : outcome;
      if (json.length * 3 <= INLINE_BYTES) return clean;
      const bytes = Buffer.from(clean === outcome ? json : JSON.stringify(clean));
      return bytes.byteLength <= INLINE_BYTES ? clean : { blob: await blob.put(bytes) };
    },
  };
}

function wellFormed(json: string): ScoreOutcome {
  const outcome: ScoreOutcome = JSON.parse(json, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
  return outcome;
}
