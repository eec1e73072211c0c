/** What one execution may be allowed, the same for a task and for an RPC: from the jail's needs to what its frames can hold. */
export const EXECUTION_BOUNDS = {
  cpuMs: { least: 10, most: 300_000 },
  wallMs: { least: 10, most: 600_000 },
  memoryBytes: { least: 64 * 1024 ** 2, most: 8 * 1024 ** 3 },
  outputBytes: { least: 1, most: 16 * 1024 ** 2 },
} as const;
