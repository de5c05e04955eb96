/**
 * admin/table - the same facts as a table for people and as JSON for programs.
 */

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

/** Columns as wide as their widest cell, two spaces between; no trailing spaces. Control characters are shown as `?`. */
export function printTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align))
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...cells.map(line)].join('\n');
}

const pad = (text: string, width: number, align: 'left' | 'right' = 'left'): string =>
  align === 'left' ? text.padEnd(width) : text.padStart(width);

/** What peers and clients wrote must not steer a terminal, nor turn the direction of text. */
export const printable = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');

const steps = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
] as const;

/** `3d4h`, `12m`, `8s`: two places at most. */
export function printAge(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  for (const [index, [length, unit]] of steps.entries()) {
    if (whole < length) continue;
    const next = steps[index + 1];
    const rest = next === undefined ? 0 : Math.floor((whole % length) / next[0]);
    return `${Math.floor(whole / length)}${unit}${rest > 0 ? `${rest}${next?.[1] ?? ''}` : ''}`;
  }
  return `${whole}s`;
}

/** `734`, `12.3K`, `4.0M`: octets, in steps of 1024. */
export function printSize(octets: number): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  let size = octets;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return unit === 0 ? String(size) : `${size.toFixed(1)}${units[unit]}`;
}

/** `2026-11-25 02:05:30`, UTC. */
export const printTime = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ');
