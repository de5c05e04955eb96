/**
 * protocol/mime/date-field - the date of a Date field (RFC 5322 §3.3 and §4.3), forgiving.
 *
 * Day of the week, comments and what follows the zone are passed over. A missing time is midnight, a missing or unknown
 * zone UTC. What names no day is no date.
 */
export interface FieldDate {
  /** The instant. */
  readonly at: Date;
  /** The day it names, in its own zone: `2026-11-29`. */
  readonly day: string;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Hours east of UTC (RFC 5322 §4.3); military letters and others say nothing. */
const zones: Readonly<Record<string, number>> = {
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
  cet: 1,
  cest: 2,
};

const comment = /\([^()]{0,500}\)/g;
/** Also as IMAP and old agents write it: `23-Nov-2026`, `Nov 23 10:00:00 2026`. */
const dayFirst = /(?:^|[\s,])(\d{1,2})[\s-]{1,9}([a-z]{3})[a-z]{0,6}\.?[\s,-]{1,9}(\d{2,4})(?!\d|:)/i;
const monthFirst = /(?:^|[\s,])([a-z]{3})[a-z]{0,6}\s{1,9}(\d{1,2}),?\s.{0,20}?\b(\d{4})\b/i;
const time = /(?:^|\s)(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?/;
const zone = /\d{1,2}:\d{1,2}(?::\d{1,2})?(?:\.\d{1,9})?\s{0,9}(?:([+-])(\d{2}):?(\d{2})|([a-z]{2,5}))/i;
const longest = 1000;

export function parseDateField(value: string): FieldDate | undefined {
  const text = value.slice(0, longest).replace(comment, ' ');
  const named = dayOf(text);
  if (named === undefined) return undefined;
  const [, hour = '0', minute = '0', second = '0'] = time.exec(text) ?? [];
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const midnight = Date.UTC(named.year, named.month, named.day);
  // Years below 100 mean others to Date.UTC; days that a month does not have are carried on.
  const whole = new Date(midnight);
  if (named.year < 100 || whole.getUTCDate() !== named.day) return undefined;
  const local = midnight + (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000;
  return { at: new Date(local - minutesEast(text) * 60_000), day: whole.toISOString().slice(0, 10) };
}

function dayOf(text: string): { year: number; month: number; day: number } | undefined {
  const first = dayFirst.exec(text);
  const other = first === null ? monthFirst.exec(text) : null;
  const [day, name, year] = first ? [first[1], first[2], first[3]] : [other?.[2], other?.[1], other?.[3]];
  const month = months.indexOf((name ?? '').toLowerCase());
  if (month < 0 || day === undefined || year === undefined || Number(day) < 1) return undefined;
  return { year: fullYear(year), month, day: Number(day) };
}

/** RFC 5322 §4.3, obs-year. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return digits.length === 3 ? 1900 + year : year;
}

function minutesEast(text: string): number {
  const [, sign, hours, minutes, name] = zone.exec(text) ?? [];
  if (sign === undefined) return (zones[(name ?? '').toLowerCase()] ?? 0) * 60;
  const east = Number(hours) * 60 + Number(minutes);
  // Beyond a day it is no zone.
  return east >= 24 * 60 ? 0 : sign === '-' ? -east : east;
}
