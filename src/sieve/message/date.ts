/**
 * sieve/message/date - dates of header fields (RFC 5322 §3.3 and §4.3) and their parts as Sieve names them (RFC 5260 §4).
 */

/** A moment with the zone in which it is looked at. */
export interface ZonedDate {
  /** Milliseconds since 1970, UTC. */
  readonly time: number;
  /** Minutes east of UTC. */
  readonly zone: number;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** RFC 5322 §4.3; other letters are UTC. */
const zoneNames: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  edt: -240,
  est: -300,
  cdt: -300,
  cst: -360,
  mdt: -360,
  mst: -420,
  pdt: -420,
  pst: -480,
};

const pattern =
  /^(?:[a-z]{3}\s*,\s*)?(\d{1,2})\s+([a-z]{3})[a-z]*\s+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?(?:\s+([+-]\d{4}|[a-z]{1,4}))?$/i;

/** undefined: this is no date. Comments are passed over. */
export function parseDate(text: string): ZonedDate | undefined {
  const plain = text
    .replace(/\([^()]*\)/g, ' ')
    .trim()
    .replace(/\s+/g, ' ');
  const found = pattern.exec(plain);
  if (found === null) return undefined;
  const [, day, monthName, yearText = '', hour, minute, second = '0', zoneText = '-0000'] = found;
  const month = months.indexOf((monthName as string).toLowerCase());
  const short = Number(yearText);
  const year =
    yearText.length === 2 ? short + (short < 50 ? 2000 : 1900) : yearText.length === 3 ? short + 1900 : short;
  const zone = parseZone(zoneText) ?? zoneNames[zoneText.toLowerCase()] ?? 0;
  if (month < 0 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (Number(day) < 1 || Number(day) > new Date(Date.UTC(year, month + 1, 0)).getUTCDate()) return undefined;
  const local = Date.UTC(year, month, Number(day), Number(hour), Number(minute), Number(second));
  return { time: local - zone * 60_000, zone };
}

/** `+0100` as minutes. */
export function parseZone(text: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d{2})(\d{2})$/.exec(text) ?? [];
  if (sign === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const two = (value: number): string => String(value).padStart(2, '0');

function printZone(zone: number, colon: string): string {
  const minutes = Math.abs(zone);
  return `${zone < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${colon}${two(minutes % 60)}`;
}

type Part = (local: Date, zone: number) => string;

const year: Part = (at) => String(at.getUTCFullYear()).padStart(4, '0');
const date: Part = (at, zone) => `${year(at, zone)}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
const time: Part = (at) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const dateParts: Readonly<Record<string, Part>> = {
  year,
  month: (at) => two(at.getUTCMonth() + 1),
  day: (at) => two(at.getUTCDate()),
  date,
  /** Modified Julian Day: 1858-11-17 is 0. */
  julian: (at) => String(Math.floor(at.getTime() / 86_400_000) + 40_587),
  hour: (at) => two(at.getUTCHours()),
  minute: (at) => two(at.getUTCMinutes()),
  second: (at) => two(at.getUTCSeconds()),
  time,
  iso8601: (at, zone) => `${date(at, zone)}T${time(at, zone)}${printZone(zone, ':')}`,
  std11: (at, zone) =>
    `${days[at.getUTCDay()]}, ${two(at.getUTCDate())} ${capital(months[at.getUTCMonth()] as string)} ${year(at, zone)} ${time(at, zone)} ${printZone(zone, '')}`,
  zone: (_, zone) => printZone(zone, ''),
  weekday: (at) => String(at.getUTCDay()),
};

/** `part` is a name of dateParts. */
export const printPart = ({ time: moment, zone }: ZonedDate, part: string): string =>
  dateParts[part]?.(new Date(moment + zone * 60_000), zone) ?? '';
