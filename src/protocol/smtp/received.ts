/**
 * protocol/smtp/received - the trace field we put on top (RFC 5321 §4.4), and how we know our own again.
 *
 * `with` keywords: RFC 3848, and RFC 6531 §4.3 for SMTPUTF8. Our mark is the comment `(Isthmus)` behind our name;
 * a site that handed the message to us is named in a comment of its own, for loop detection.
 */
import { isIPv6 } from 'node:net';

export interface ReceivedFacts {
  /** What the client said at HELO, EHLO or LHLO. */
  readonly helo: string;
  readonly ip: string;
  /** The name of `ip`, forward and reverse. */
  readonly name?: string;
  readonly tls?: { readonly version: string; readonly cipher: string };
  readonly by: string;
  readonly with: string;
  readonly id: string;
  readonly site?: string;
  /** Said only where there is one recipient (RFC 5321 §7.2). */
  readonly for?: string;
  readonly date: Date;
}

export interface WithFacts {
  readonly lmtp: boolean;
  /** EHLO, not HELO. */
  readonly extended: boolean;
  readonly utf8: boolean;
  readonly tls: boolean;
  readonly authenticated: boolean;
}

/** `ESMTPS`, `UTF8SMTPSA`, `LMTP` … */
export function withKeyword(facts: WithFacts): string {
  const suffix = `${facts.tls ? 'S' : ''}${facts.authenticated ? 'A' : ''}`;
  if (facts.utf8) return `UTF8${facts.lmtp ? 'LMTP' : 'SMTP'}${suffix}`;
  if (facts.lmtp) return `LMTP${suffix}`;
  return facts.extended ? `ESMTP${suffix}` : `SMTP${suffix}`;
}

/** The whole field, folded, CRLF ended. */
export function printReceived(facts: ReceivedFacts): string {
  const address = isIPv6(facts.ip) ? `[IPv6:${facts.ip}]` : `[${facts.ip}]`;
  const host = facts.name === undefined ? address : `${safe(facts.name)} ${address}`;
  const lines = [`Received: from ${safe(facts.helo)} (${host})`];
  if (facts.tls) lines.push(`(using ${safe(facts.tls.version)} with cipher ${safe(facts.tls.cipher)})`);
  const site = facts.site === undefined ? '' : ` (site ${safe(facts.site)})`;
  lines.push(`by ${safe(facts.by)} (Isthmus) with ${facts.with} id ${facts.id}${site}`);
  if (facts.for !== undefined) lines.push(`for <${printable(facts.for)}>`);
  return `${lines.join('\r\n\t')};\r\n\t${printDate(facts.date)}\r\n`;
}

/** Names of strangers must end neither a comment nor the line. */
const safe = (text: string): string => text.replace(/[^A-Za-z0-9._:[\]@+=/-]/g, '?');

/** An address was parsed before; control characters cannot be in it, brackets may, within quotes. */
const printable = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, '?');

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);

/** RFC 5322 §3.3, in UTC. */
export function printDate(date: Date): string {
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const day = `${days[date.getUTCDay()]}, ${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}

export interface OwnReceived {
  readonly by: string;
  readonly id: string;
  readonly site?: string;
}

const ours = /\bby ([A-Za-z0-9._-]+) \(Isthmus\) with [A-Z0-9]+ id ([0-9A-Za-z]+)(?: \(site ([^ ()]+)\))?/;

/** What we wrote, from an unfolded Received value; undefined when none of `names` (lower case) wrote it. */
export function parseOwnReceived(value: string, names: ReadonlySet<string>): OwnReceived | undefined {
  const match = ours.exec(value);
  if (match === null) return undefined;
  const [, by = '', id = '', site] = match;
  if (!names.has(by.toLowerCase())) return undefined;
  return { by, id, ...(site === undefined ? {} : { site }) };
}
