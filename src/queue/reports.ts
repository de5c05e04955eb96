/**
 * queue/reports - delivery reports as messages of the spool, made from settlements.
 *
 * One report for each message, addressee and kind in a batch. It is written into the spool in the same transaction as
 * the outcomes it tells of (settle.ts), so that none is lost and none is sent twice.
 */
import { type Address, addressKey, needsSmtpUtf8 } from '../mail/address.ts';
import type { Client } from '../mail/envelope.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { QueueId } from '../ports/spool.ts';
import { printReport, type Report, type Returned } from '../protocol/dsn/report.ts';
import { contentStart, cutHeader } from './header-fields.ts';
import type { NewMessage } from './insert.ts';
import { doubleBounceListener, type ReportEntry, type Settlement } from './outcome.ts';
import { type SpooledMessage, slotOf } from './rows.ts';
import { acceptedRow, type StoredTraceRow, told } from './trace-rows.ts';

export interface ReportPolicy {
  /** `Name <address>` or an address, for the From field of reports; default: the postmaster of this host. */
  readonly from?: string;
  /** Octets of a message up to which a report of failure gives it back whole, where the sender asked for that. */
  readonly returnLimit: number;
}

export interface ReportsOptions {
  readonly hostname: string;
  readonly policy: ReportPolicy;
  /** Milliseconds until an undeliverable report is given up. */
  readonly lifetime: number;
  readonly blobs: BlobStore;
  readonly newId: () => QueueId;
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface MadeReport {
  readonly message: NewMessage;
  /** The settlements it tells of. */
  readonly covers: readonly Settlement[];
  /** `reported`, for the story of the message it is about. */
  readonly trace: StoredTraceRow;
}

/** A report names so many recipients at most; more make more reports. */
const mostRecipients = 100;
/** Header sections are given back up to this size. */
const headerLimit = 16 * 1024;
const longestLine = 998;
/** Milliseconds for reading what is given back. */
const readWithin = 10_000;

const client: Client = { listener: 'queue', protocol: 'local', ip: '127.0.0.1', mayRelay: true };

const kinds = {
  failed: 'failure',
  delayed: 'delay',
  delivered: 'success',
  relayed: 'success',
  expanded: 'success',
} as const;

export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  async make(settlements: readonly Settlement[]): Promise<readonly MadeReport[]> {
    const owed = settlements.flatMap((settlement) =>
      settlement.report ? [{ settlement, entry: settlement.report }] : [],
    );
    const groups = Map.groupBy(owed, ({ settlement, entry }) =>
      [settlement.message.id, addressKey(entry.to), entry.action].join(' '),
    );
    const made: MadeReport[] = [];
    for (const group of groups.values()) {
      for (let at = 0; at < group.length; at += mostRecipients) {
        const part = group.slice(at, at + mostRecipients);
        made.push(
          await this.#report(
            part.map(({ settlement }) => settlement),
            part.map(({ entry }) => entry),
          ),
        );
      }
    }
    return made;
  }

  async #report(covers: readonly Settlement[], entries: readonly ReportEntry[]): Promise<MadeReport> {
    const [settlement] = covers;
    const [entry] = entries;
    if (!settlement || !entry) throw new Error('a report tells of one recipient at least');
    const { hostname, newId, now, policy, metrics } = this.#options;
    const about = settlement.message;
    const id = newId();
    const messageId = `<${id}@${hostname}>`;
    const { envid } = about.transaction;
    const returned = await this.#returned(about, entry);
    const report: Report = {
      mta: hostname,
      from: policy.from ?? `Mail Delivery System <postmaster@${hostname}>`,
      to: entry.to,
      messageId,
      date: now(),
      boundary: this.#boundary(id),
      utf8: about.transaction.smtputf8,
      ...(envid === undefined ? {} : { envid }),
      arrival: about.receivedAt,
      ...(about.facts.messageId === undefined ? {} : { about: about.facts.messageId }),
      recipients: entries,
      ...(returned === undefined ? {} : { returned }),
    };
    const from = about.transaction.sender === null ? { ...client, listener: doubleBounceListener } : client;
    const message = this.#spooled(id, printReport(report), entry.to, messageId, from);
    metrics.count('isthmus_reports_total', { kind: kinds[entry.action] });
    return {
      covers,
      message: {
        message,
        recipients: [
          { slot: slotOf(entry.to), recipient: { address: entry.to, notify: ['never'] }, dueAt: now() },
        ],
        trace: [acceptedRow(message, [entry.to.text], hostname)],
      },
      trace: told({
        at: now(),
        event: 'reported',
        queueId: about.id,
        detail: { report: id, to: entry.to.text, kind: kinds[entry.action], recipients: entries.length },
      }),
    };
  }

  /** RFC 3461 §4.3: the whole message only when asked for, only in reports of failure; else its header section. */
  async #returned(message: SpooledMessage, entry: ReportEntry): Promise<Returned | undefined> {
    const { facts, transaction } = message;
    const { policy, blobs, log } = this.#options;
    const full =
      entry.action === 'failed' &&
      transaction.ret === 'full' &&
      !transaction.requireTls && // RFC 8689 §5: its content must not travel unprotected.
      facts.size <= policy.returnLimit &&
      facts.longestLine <= longestLine &&
      transaction.body !== 'binarymime';
    try {
      const start = await contentStart(
        message,
        blobs,
        full ? facts.size : headerLimit,
        AbortSignal.timeout(readWithin),
      );
      const bytes = full ? start : wholeLines(cutHeader(start));
      return {
        bytes,
        full,
        eightBit: full ? facts.eightBit : facts.utf8Header,
        utf8Header: facts.utf8Header,
      };
    } catch (error) {
      log.warn({ err: error, queueId: message.id }, 'a report goes without the header of its message');
      return undefined;
    }
  }

  #spooled(id: QueueId, body: Buffer, to: Address, messageId: string, from: Client): SpooledMessage {
    const { now, lifetime } = this.#options;
    const receivedAt = now();
    const eightBit = body.some((octet) => octet > 0x7f);
    const utf8Header = needsSmtpUtf8(to);
    return {
      id,
      transaction: {
        sender: null,
        body: eightBit ? '8bitmime' : '7bit',
        smtputf8: utf8Header,
        requireTls: false,
      },
      client: from,
      facts: {
        size: body.length,
        eightBit,
        utf8Header,
        longestLine: longestLineOf(body),
        hops: 0,
        ownHops: 0,
        sitesSeen: [],
        messageId,
      },
      receivedAt,
      expiresAt: new Date(receivedAt.getTime() + lifetime),
      trace: new Uint8Array(0),
      content: { kind: 'inline', body },
      recipients: 1,
    };
  }

  #boundary(id: QueueId): string {
    const noise = Array.from({ length: 3 }, () =>
      Math.floor(this.#options.random() * 2 ** 40).toString(36),
    ).join('');
    return `report_${id}_${noise}`;
  }
}

/** Lines longer than permitted are left out of a returned header section. */
function wholeLines(section: Buffer): Buffer {
  if (longestLineOf(section) <= longestLine) return section;
  return Buffer.from(
    section
      .toString('latin1')
      .split('\r\n')
      .filter((line) => line.length <= longestLine)
      .join('\r\n'),
    'latin1',
  );
}

function longestLineOf(bytes: Buffer): number {
  let longest = 0;
  let from = 0;
  for (let end = bytes.indexOf('\r\n'); end >= 0; end = bytes.indexOf('\r\n', from)) {
    longest = Math.max(longest, end - from);
    from = end + 2;
  }
  return Math.max(longest, bytes.length - from);
}
