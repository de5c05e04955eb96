/**
 * protocol/smtp/client-extensions - what a server offers, read from its answer to EHLO or LHLO (RFC 5321 §4.1.1.1).
 */
import type { Reply } from '../../mail/reply.ts';

export interface Extensions {
  readonly pipelining: boolean;
  readonly startTls: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  readonly requireTls: boolean;
  /** SIZE was offered; `limit` is in octets, undefined where the server names none (RFC 1870 §4). */
  readonly size: boolean;
  readonly sizeLimit?: number;
  /** SASL mechanisms in upper case. */
  readonly auth: ReadonlySet<string>;
  /** LIMITS (RFC 9422): recipients in a transaction, transactions in a session. */
  readonly maxRecipients?: number;
  readonly maxMessages?: number;
}

/** What a server has that knows HELO only. */
export const noExtensions: Extensions = {
  pipelining: false,
  startTls: false,
  eightBitMime: false,
  smtpUtf8: false,
  dsn: false,
  requireTls: false,
  size: false,
  auth: new Set(),
};

/** The first line is the greeting; the rest are keywords, without regard to case. */
export function parseExtensions(reply: Reply): Extensions {
  const found = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    // AUTH=LOGIN is how some old servers print it; the mechanisms are the same.
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]+(.*))?$/.exec(line.trim());
    if (match?.[1] === undefined) continue;
    const keyword = match[1].toUpperCase();
    const before = keyword === 'AUTH' ? `${found.get(keyword) ?? ''} ` : '';
    found.set(keyword, `${before}${match[2] ?? ''}`.trim());
  }
  const sizeLimit = count(found.get('SIZE'));
  const limits = found.get('LIMITS') ?? '';
  const maxRecipients = count(/(?:^| )RCPTMAX=(\d+)/i.exec(limits)?.[1]);
  const maxMessages = count(/(?:^| )MAILMAX=(\d+)/i.exec(limits)?.[1]);
  return {
    pipelining: found.has('PIPELINING'),
    startTls: found.has('STARTTLS'),
    eightBitMime: found.has('8BITMIME'),
    smtpUtf8: found.has('SMTPUTF8'),
    dsn: found.has('DSN'),
    requireTls: found.has('REQUIRETLS'),
    size: found.has('SIZE'),
    ...(sizeLimit === undefined ? {} : { sizeLimit }),
    auth: new Set(
      (found.get('AUTH') ?? '')
        .toUpperCase()
        .split(/\s+/)
        .filter((name) => name !== ''),
    ),
    ...(maxRecipients === undefined ? {} : { maxRecipients }),
    ...(maxMessages === undefined ? {} : { maxMessages }),
  };
}

/** A number above zero; RFC 1870 §4: SIZE 0 means that no limit is in force. */
function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text) > 0 ? Number(text) : undefined;
}
