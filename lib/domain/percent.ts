/** A share as a percentage, rounded down: 99.96 % must not look like everything. */
export function percent(share: number): string {
  const rounded = Math.floor(share * 1000) / 10;
  return `${rounded.toFixed(1)} %`;
}
