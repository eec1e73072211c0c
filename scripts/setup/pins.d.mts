interface Pin {
  readonly title: string;
  readonly package: string;
  readonly version: string;
  readonly sha256: Record<string, string>;
  readonly bytes: number;
  readonly member: string;
}
export const NATS: Pin;
export const MODEL: Pin & { readonly license: string; readonly licenseMember: string };
export const OLDEST_NATS: readonly number[];
export const STATE_VERSION: number;
