import { pad, width } from './width.ts';

const NUMBER = /^[-+]?[\d.,]+( ?[%a-z/]*)?$/i;

/** Rows in columns, each as wide as its widest cell; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => pad(cell, widths[i] ?? 0, NUMBER.test(cell) ? 'left' : 'right'))
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((cells) => '─'.repeat(cells))), ...rows.map(line)];
}

export function duration(seconds: number): string {
  if (seconds < 59.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** A share or a score in the form 0.4231. */
export function score(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(4);
}
