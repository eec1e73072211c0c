export type Part = 'npm' | 'node' | 'nats' | 'model' | 'demo';

/** Brings what the checkout needs; see set-up.mjs. `pinnedNats`: the pinned nats-server, even where the PATH has one. */
export function setUp(options: {
  readonly parts: readonly Part[];
  readonly useNatsUrl?: boolean;
  readonly pinnedNats?: boolean;
}): Promise<{ readonly node: string; readonly natsServer: string | null; readonly model: string | null }>;
