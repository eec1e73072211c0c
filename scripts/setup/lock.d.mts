export interface Holder {
  readonly pid: number;
  readonly checkout?: string;
}
export function takeLock(
  file: string,
  options: {
    readonly say: (line: string) => void;
    readonly signal: AbortSignal;
    readonly about?: { readonly checkout: string };
    readonly waiting?: (theirs: Holder) => string;
  },
): Promise<() => void>;
export function identityOf(pid: number): { readonly pid: number; readonly startTime: string } | null;
