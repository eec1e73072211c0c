import { decodeJwt } from 'jose';

/** What a token says of itself; nothing of it is proven. */
export interface Claims {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Epoch milliseconds; infinite when it names no end. */
  readonly endsMs: number;
}

/** Null when it is no JWT. */
export function claimsOf(token: string): Claims | null {
  try {
    const { iss, aud, exp } = decodeJwt(token);
    return {
      issuer: typeof iss === 'string' ? iss : '',
      audiences: [aud ?? []].flat().filter((audience) => typeof audience === 'string'),
      endsMs: typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY,
    };
  } catch {
    return null;
  }
}
