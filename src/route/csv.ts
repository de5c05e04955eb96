/**
 * route/csv - a table with a line of column names (RFC 4180): fields in quotes may hold commas, quotes and line ends.
 */
import { SpecError } from './pattern.ts';

export interface CsvRow {
  /** From 1; where the row begins. */
  readonly line: number;
  readonly fields: Readonly<Record<string, string>>;
}

const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

/** Rows after the column names; empty ones and those that begin with `#` are left out. */
export function parseCsv(text: string): readonly CsvRow[] {
  const rows: { readonly line: number; readonly cells: readonly string[] }[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const start = line;
    const cells: string[] = [];
    for (let end = ','; end === ','; ) {
      field.lastIndex = at;
      const match = field.exec(text);
      if (match === null) throw new SpecError(`line ${line}: a quote is not where one may be`);
      const [whole, quoted, plain = '', delimiter = ''] = match;
      cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
      line += whole.split(/\r\n|\n|\r/).length - 1;
      at = field.lastIndex;
      end = delimiter;
    }
    if (cells.some((cell) => cell !== '') && !cells[0]?.startsWith('#')) rows.push({ line: start, cells });
  }
  const [head, ...rest] = rows;
  const names = (head?.cells ?? []).map((name) => name.trim());
  return rest.map(({ line: number, cells }) => {
    if (cells.length > names.length) throw new SpecError(`line ${number}: more fields than column names`);
    return {
      line: number,
      fields: Object.fromEntries(cells.map((cell, index) => [names[index] ?? '', cell])),
    };
  });
}
