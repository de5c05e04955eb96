/**
 * protocol/mailbox-format/mbox - many messages in one file, parted by lines that begin with `From `.
 *
 * Written as mboxrd: in front of a line that begins with any number of `>` and then `From `, one `>` is put, and taken
 * away by whoever reads, so that nothing is lost. Flags are three fields at the end of the header, as mail programs on
 * Unix have them; ours are taken out again where they stand as we put them.
 */
import type { LineChange, Piece } from './lines.ts';

/** `>>From `: as many as are looked at. */
const quotable = /^>{0,1000}From /;
const quoted = /^>{1,1000}From /;
const looked = 1_010;

const starts = (pattern: RegExp, { octets, first }: Piece): boolean =>
  first && (octets[0] === 62 || octets[0] === 70) && pattern.test(octets.toString('latin1', 0, looked));

const mark = Buffer.from('>');

export const quoteFrom: LineChange = {
  piece: (piece) => (starts(quotable, piece) ? [mark, piece.octets] : [piece.octets]),
};

export const unquoteFrom: LineChange = {
  piece: (piece) => (starts(quoted, piece) ? [piece.octets.subarray(1)] : [piece.octets]),
};

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** `From sender date`, the date in the form of asctime(), UTC. */
export function printFromLine(sender: string, at: Date): string {
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  const day = String(at.getUTCDate()).padStart(2);
  const date = `${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${day} ${time} ${at.getUTCFullYear()}`;
  return `From ${sender.replace(/[^\x21-\x7e]/g, '') || 'MAILER-DAEMON'} ${date}\n`;
}

const asctime =
  /([A-Z][a-z]{2}) +(\d{1,2}) +(\d{1,2}):(\d\d)(?::(\d\d))?(?: +[A-Z]{2,5})?(?: +([+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?\s*$/;

/** undefined: this line is not one that begins a message. */
export function parseFromLine(line: string): { readonly at?: Date } | undefined {
  if (!line.startsWith('From ') || !/\d:\d\d/.test(line) || !/\b\d{4}\b/.test(line)) return undefined;
  const [, month = '', day, hour, minute, second = '0', before, year, after] = asctime.exec(line) ?? [];
  const number = months.indexOf(month);
  if (number < 0) return {};
  const zone = before ?? after ?? '+0000';
  const minutes = Number(`${zone.slice(0, 1)}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)));
  const at = new Date(
    Date.UTC(Number(year), number, Number(day), Number(hour), Number(minute), Number(second)) -
      minutes * 60_000,
  );
  return Number.isNaN(at.getTime()) ? {} : { at };
}

const letters = [
  ['A', '\\Answered'],
  ['D', '\\Deleted'],
  ['F', '\\Flagged'],
  ['T', '\\Draft'],
] as const;

/** The three lines, with LF. */
export function printStatus(flags: readonly string[]): string {
  const has = new Set(flags);
  const keywords = flags.filter((flag) => !flag.startsWith('\\') && /^[\x21-\x7e]+$/.test(flag));
  const status = letters.filter(([, flag]) => has.has(flag)).map(([letter]) => letter);
  return `Status: ${has.has('\\Seen') ? 'RO' : 'O'}\nX-Status: ${status.join('')}\nX-Keywords: ${keywords.join(' ')}\n`;
}

/** Names of fields in lower case. */
export function flagsOfStatus(fields: ReadonlyMap<string, string>): string[] {
  const status = fields.get('x-status') ?? '';
  return [
    ...((fields.get('status') ?? '').includes('R') ? ['\\Seen'] : []),
    ...letters.filter(([letter]) => status.includes(letter)).map(([, flag]) => flag),
    ...(fields.get('x-keywords') ?? '').split(/\s+/).filter((word) => word !== '' && !word.startsWith('\\')),
  ];
}

/** Puts the three lines at the end of the header of a message with LF lines. */
export function addStatus(flags: readonly string[]): LineChange {
  const block = Buffer.from(printStatus(flags));
  let done = false;
  let open = false;
  return {
    piece({ octets, first }) {
      open = octets.at(-1) !== 10;
      if (done || !first || octets[0] !== 10) return [octets];
      done = true;
      return [block, octets];
    },
    // A message without a body.
    end: () => (done ? [] : [...(open ? [Buffer.from('\n')] : []), block]),
  };
}
