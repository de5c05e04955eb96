/**
 * sieve/compose/vacation - whether a vacation action is to answer, and the answer (RFC 5230 §4, RFC 3834).
 *
 * Whether this sender had the same answer lately is for the caller to remember, by `action.handle` and `seconds`.
 */
import { createHash } from 'node:crypto';
import { parseAddressList, printListed } from '../message/addresses.ts';
import { decodedValue, type HeaderSection } from '../message/header.ts';
import type { Vacation } from '../outcome.ts';
import {
  addressField,
  compose,
  composeText,
  type Origin,
  type Outgoing,
  originFields,
  printMailbox,
  subjectField,
} from './outgoing.ts';

export interface VacationSettings {
  /** Answer only messages that name the owner in To, Cc or the like (RFC 5230 §4.5). */
  readonly checkRecipient: boolean;
  /** The address the message first came to is the owner's too. */
  readonly useOriginalRecipient: boolean;
  /** The answer's reverse-path is the recipient, not null. */
  readonly sendFromRecipient: boolean;
  /** The answer's To field comes from the header, not from the reverse-path. */
  readonly toFromHeader: boolean;
  /** Subject when the script gives none and the message has none. */
  readonly subject: string;
  /** Subject when the script gives none; `%$` is the message's. */
  readonly subjectTemplate: string;
}

export const usualVacation: VacationSettings = {
  checkRecipient: true,
  useOriginalRecipient: false,
  sendFromRecipient: false,
  toFromHeader: false,
  subject: 'Automated reply',
  subjectTemplate: 'Auto: %$',
};

export interface VacationScene {
  readonly header: HeaderSection;
  readonly envelope: { readonly from: string; readonly to: string; readonly originalTo?: string };
  /** All addresses of the account. */
  readonly ownAddresses: readonly string[];
  readonly origin: Origin;
  readonly settings: VacationSettings;
}

export type VacationReply =
  | { readonly reply: Outgoing }
  /** For the trace. */
  | { readonly silent: string };

/** Names that no person reads. RFC 3834 §2. */
const machines =
  /^(?:mailer-daemon|listserv|majordomo|postmaster-noreply|no-?reply|do-?not-?reply|owner-.*|.*-(?:request|owner|bounces?|relay))$/i;

const recipientFields = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'];

const key = (address: string): string => address.toLowerCase();

export function vacationReply(action: Vacation, scene: VacationScene): VacationReply {
  const silent = whySilent(action, scene);
  if (silent !== undefined) return { silent };
  const { header, envelope, settings, origin } = scene;
  const recipient = settings.useOriginalRecipient ? (envelope.originalTo ?? envelope.to) : envelope.to;
  const own = ownKeys(action, scene);
  const lines = [
    originFields(origin),
    action.from === undefined
      ? `From: <${fromAddress(scene, own) ?? recipient}>\r\n`
      : addressField('From', action.from),
    `To: ${replyTo(scene)}\r\n`,
    subjectField(subjectOf(action, scene)),
    references(header),
    'Auto-Submitted: auto-replied (vacation)\r\nPrecedence: bulk\r\nX-Auto-Response-Suppress: All\r\n',
  ];
  const content = action.mime
    ? compose(`${lines.join('')}MIME-Version: 1.0\r\n${mimeHeader(action.reason)}`, mimeBody(action.reason))
    : composeText(lines.join(''), action.reason);
  return {
    reply: { from: settings.sendFromRecipient ? recipient : '', to: [envelope.from], content },
  };
}

/** Key under which the caller remembers that the sender was answered. */
export const vacationKey = (handle: string, sender: string): string =>
  createHash('sha256')
    .update(`${handle}\0${key(sender)}`)
    .digest('hex');

function ownKeys(action: Vacation, { envelope, ownAddresses, settings }: VacationScene): ReadonlySet<string> {
  const original = settings.useOriginalRecipient && envelope.originalTo ? [envelope.originalTo] : [];
  return new Set([envelope.to, ...original, ...ownAddresses, ...action.addresses].map(key));
}

function whySilent(action: Vacation, scene: VacationScene): string | undefined {
  const { header, envelope, settings } = scene;
  if (envelope.from === '') return 'the message has the null reverse-path';
  const own = ownKeys(action, scene);
  if (own.has(key(envelope.from))) return 'the sender is the owner';
  const local = envelope.from.slice(0, envelope.from.lastIndexOf('@'));
  if (machines.test(local)) return 'the sender is a machine';
  const listField = header.fields.find(({ key: name }) => /^list-(?!unsubscribe-post$)/.test(name));
  if (listField) return `the message comes from a list (${listField.name})`;
  const auto = header.all('auto-submitted').find(({ value }) => !/^no\b/i.test(value));
  if (auto) return 'the message was submitted automatically';
  if (header.all('precedence').some(({ value }) => /^(?:bulk|junk|list)$/i.test(value)))
    return 'the message has a Precedence of machines';
  if (header.all('x-auto-response-suppress').some(({ value }) => /\b(?:all|oof)\b/i.test(value))) {
    return 'the message asks for no answers (X-Auto-Response-Suppress)';
  }
  if (header.all('x-loop').some(({ value }) => own.has(key(value))))
    return 'the message has been here (X-Loop)';
  if (!settings.checkRecipient || recipientsOf(header).some((address) => own.has(key(address))))
    return undefined;
  return 'no address of the owner is among the recipients in the header';
}

const recipientsOf = (header: HeaderSection): string[] =>
  recipientFields.flatMap((name) =>
    header
      .all(name)
      .flatMap(({ value }) =>
        parseAddressList(value).flatMap((one) => ('bad' in one ? [] : [printListed(one)])),
      ),
  );

/** The address by which the message named the owner. */
const fromAddress = ({ header }: VacationScene, own: ReadonlySet<string>): string | undefined =>
  recipientsOf(header).find((address) => own.has(key(address)));

function replyTo({ header, envelope, settings }: VacationScene): string {
  for (const name of ['sender', 'resent-from', 'from']) {
    for (const { value } of header.all(name)) {
      for (const one of parseAddressList(value)) {
        if ('bad' in one) continue;
        const address = printListed(one);
        if (!settings.toFromHeader && key(address) !== key(envelope.from)) continue;
        return printMailbox(one.name, address);
      }
    }
  }
  return `<${envelope.from}>`;
}

function subjectOf({ subject }: Vacation, { header, settings }: VacationScene): string {
  if (subject !== undefined) return subject;
  const [original] = header.all('subject');
  return original ? settings.subjectTemplate.replace('%$', () => decodedValue(original)) : settings.subject;
}

/** RFC 5230 §5.5 and §5.6. */
export function references(header: HeaderSection): string {
  const id = header.all('message-id')[0]?.value.slice(0, 998);
  if (id === undefined || id === '') return '';
  const before = header.all('references')[0]?.value ?? header.all('in-reply-to')[0]?.value ?? '';
  const all = [...before.slice(-4_000).split(/\s+/).slice(-20), id].filter((one) => /^<[^\s<>]+>$/.test(one));
  return `In-Reply-To: ${id}\r\n${all.length === 0 ? '' : `References: ${all.join('\r\n ')}\r\n`}`;
}

const split = (reason: string): number => /\r?\n\r?\n/.exec(reason)?.index ?? reason.length;

/** Fields a MIME entity may bring: those of its content (RFC 5230 §4.7). */
function mimeHeader(reason: string): string {
  const fields = reason.slice(0, split(reason)).split(/\r?\n(?![ \t])/);
  return fields
    .filter((line) => /^content-[\w-]+:/i.test(line))
    .map((line) => `${line.replace(/\r?\n(?=[ \t])/g, '\r\n')}\r\n`)
    .join('');
}

const mimeBody = (reason: string): string => reason.slice(split(reason)).replace(/^\r?\n\r?\n/, '');
