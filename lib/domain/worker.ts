/** A worker's sign of life in the KV `assay_workers`, rewritten every few seconds and gone soon after the worker is. */
export interface WorkerRecord {
  readonly v: 1;
  readonly service: 'runner' | 'sandbox' | 'reporter';
  /** Unique for a process: service name, process id and start time. */
  readonly id: string;
  /** What it does right now, in words for a person. */
  readonly activity: string;
  /** Sandboxes: what the jail can do here, and whether code tasks are taken. */
  readonly jail?: { readonly tier: number; readonly executes: boolean; readonly reason: string };
  readonly updatedAt: string;
}
