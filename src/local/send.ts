/**
 * local/send - messages that scripts cause, into the spool: redirects as they came with a mark on top, answers,
 * notices and refusals as they were composed.
 */
import { isAscii } from 'node:buffer';
import { type Address, addressKey, needsSmtpUtf8, parseAddress } from '../mail/address.ts';
import type { Client, Recipient, Transaction } from '../mail/envelope.ts';
import { ContentScanner } from '../protocol/mime/scan.ts';
import { printDate } from '../protocol/smtp/received.ts';
import type { Outgoing } from '../sieve/compose/outgoing.ts';
import { redirectMark } from '../sieve/compose/redirect.ts';
import type { Redirect } from '../sieve/outcome.ts';
import type { InHand } from './in-hand.ts';
import type { LocalOptions } from './options.ts';

type SendOptions = Pick<LocalOptions, 'spool' | 'policy' | 'now'>;

/** May go anywhere: the account's owner may write to anybody. */
const client: Client = { listener: 'sieve', protocol: 'local', ip: '127.0.0.1', mayRelay: true };

/** A script named something that is no address: nothing is sent, and no trying again helps. */
export class NoAddress extends Error {
  override readonly name = 'NoAddress';
}

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  if (address === undefined) throw new NoAddress(`"${text.slice(0, 100)}" is no mail address`);
  return address;
};

/** RFC 5228 §4.2. Rejects as the spool does. */
export async function sendOn(
  action: Redirect,
  message: InHand,
  recipient: Recipient,
  options: SendOptions,
  signal: AbortSignal,
): Promise<void> {
  const { spool, policy, now } = options;
  const { redirectSender, hostname } = policy();
  const to = addressOf(action.address);
  const id = spool.newId();
  const received = `Received: by ${hostname} (Isthmus) with SIEVE id ${id};\r\n\t${printDate(now())}\r\n`;
  const original = message.transaction;
  const sender =
    original.sender === null || redirectSender === 'sender' ? original.sender : recipient.address;
  const content =
    action.header !== undefined && message.headerWhole
      ? message.edited(action.header, signal)
      : message.content(signal);
  const transaction: Transaction = {
    sender,
    body: original.body,
    smtputf8: original.smtputf8 || needsSmtpUtf8(to) || (sender !== null && needsSmtpUtf8(sender)),
    requireTls: original.requireTls,
    // Its failure is the original sender's business where that is who is told.
    ...(sender === original.sender && original.ret !== undefined ? { ret: original.ret } : {}),
    ...(sender === original.sender && original.envid !== undefined ? { envid: original.envid } : {}),
  };
  const quiet = recipient.notify?.includes('never') === true && sender === original.sender;
  await accept(
    { id, transaction, recipients: [{ address: to, ...(quiet ? { notify: ['never'] } : {}) }] },
    Buffer.from(received + redirectMark(recipient.address.text)),
    content,
    options,
    signal,
  );
}

/** Answers, notices, refusals. Rejects as the spool does. */
export async function sendNew(outgoing: Outgoing, options: SendOptions, signal: AbortSignal): Promise<void> {
  const sender = outgoing.from === '' ? null : addressOf(outgoing.from);
  const recipients = [...new Map(outgoing.to.map(addressOf).map((one) => [addressKey(one), one])).values()];
  const utf8 = recipients.some(needsSmtpUtf8) || (sender !== null && needsSmtpUtf8(sender));
  const scanner = scannerFor(options);
  scanner.push(outgoing.content);
  const { utf8Header, eightBit } = scanner.finish().facts;
  const transaction: Transaction = {
    sender,
    body: eightBit ? '8bitmime' : '7bit',
    smtputf8: utf8 || utf8Header,
    requireTls: false,
  };
  await accept(
    {
      id: options.spool.newId(),
      transaction,
      // Of mail that nobody wrote, nobody need hear (RFC 3834 §3.3).
      recipients: recipients.map((address) => ({ address, notify: ['never'] })),
    },
    new Uint8Array(0),
    oneChunk(outgoing.content),
    options,
    signal,
  );
}

interface Parcel {
  readonly id: string;
  readonly transaction: Transaction;
  readonly recipients: readonly Recipient[];
}

const scannerFor = ({ policy }: SendOptions): ContentScanner =>
  new ContentScanner({ ownNames: new Set([policy().hostname.toLowerCase()]) });

async function accept(
  { id, transaction, recipients }: Parcel,
  trace: Uint8Array,
  content: AsyncIterable<Uint8Array>,
  options: SendOptions,
  signal: AbortSignal,
): Promise<void> {
  const scanner = scannerFor(options);
  async function* scanned(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      scanner.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      yield chunk;
    }
  }
  await options.spool.accept(
    {
      id,
      envelope: { ...transaction, recipients },
      client,
      receivedAt: options.now(),
      trace,
      content: scanned(),
      finish: async () => {
        const { facts } = scanner.finish();
        const utf8Header = facts.utf8Header || !isAscii(trace);
        return { facts: { ...facts, utf8Header, eightBit: facts.eightBit || utf8Header } };
      },
    },
    signal,
  );
}

async function* oneChunk(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}
