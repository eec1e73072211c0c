import type { Built } from './engine.ts';
import { IMAGES, type ImageName } from './images.ts';

/** Name, size, limit and digest of each image, in columns; and whether one is over its limit. */
export function tableOf(built: ReadonlyMap<ImageName, Built>): {
  lines: readonly string[];
  tooLarge: boolean;
} {
  const rows = [...built].map(([name, { bytes, digest }]) => {
    const most = IMAGES[name].mostBytes;
    const over = most !== null && bytes > most;
    return {
      over,
      cells: [
        name,
        megabytes(bytes),
        most === null ? '' : `${over ? 'OVER ' : ''}${megabytes(most)}`,
        digest,
      ],
    };
  });
  const table = [['image', 'size', 'limit', 'digest'], ...rows.map((row) => row.cells)];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return { lines: table.map(line), tooLarge: rows.some((row) => row.over) };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
