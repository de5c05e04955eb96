/**
 * access/imap/url - IMAP URLs of this server's own messages, as CATENATE names them (RFC 5092 §5 and §11; RFC 4469 §3.1).
 *
 *   /Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2     a path from the root
 *   ;UID=20/;SECTION=HEADER/;PARTIAL=0.512                  of the selected mailbox
 *   imap://ada@mail.example.org/Drafts/;UID=20              another server's are not ours: the host is not looked at
 */
import type { Section } from '../../protocol/imap/respond/fetch.ts';

export interface MessageUrl {
  /** Undefined: the selected one. */
  readonly mailbox: string | undefined;
  readonly uidValidity: number | undefined;
  readonly uid: number;
  readonly section: Section;
  readonly partial: { readonly origin: number; readonly length: number } | undefined;
}

const form =
  /^(?:imap:\/\/[^/]*)?(?:\/(?<mailbox>[^;]*?)(?:;UIDVALIDITY=(?<validity>[1-9]\d{0,9}))?\/)?;UID=(?<uid>[1-9]\d{0,9})(?:\/;SECTION=(?<section>[^;]*?))?(?:\/;PARTIAL=(?<origin>\d{1,15})(?:\.(?<length>[1-9]\d{0,15}))?)?$/i;

/** Undefined: it names no message. */
export function parseMessageUrl(url: string): MessageUrl | undefined {
  const found = form.exec(url)?.groups;
  if (found === undefined) return undefined;
  const mailbox = found.mailbox === undefined ? undefined : decode(found.mailbox);
  const section = sectionOf(decode(found.section ?? '') ?? '?');
  if (section === undefined || mailbox === '') return undefined;
  if (found.mailbox !== undefined && mailbox === undefined) return undefined;
  return {
    mailbox,
    uidValidity: found.validity === undefined ? undefined : Number(found.validity),
    uid: Number(found.uid),
    section,
    partial:
      found.origin === undefined
        ? undefined
        : { origin: Number(found.origin), length: Number(found.length ?? Number.MAX_SAFE_INTEGER) },
  };
}

/** Undefined: not UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text).normalize('NFC');
  } catch {
    return undefined;
  }
}

function sectionOf(text: string): Section | undefined {
  const found =
    /^(?<part>[1-9]\d{0,5}(?:\.[1-9]\d{0,5}){0,50})?(?:(?<dot>\.)?(?<of>HEADER(?:\.FIELDS(?<not>\.NOT)? \((?<fields>[^()"]+)\))?|TEXT|MIME))?$/i.exec(
      text,
    )?.groups;
  if (found === undefined) return undefined;
  const { part: path, dot, of, not, fields } = found;
  if (of !== undefined && (dot !== undefined) !== (path !== undefined)) return undefined;
  const part = path === undefined ? [] : path.split('.').map(Number);
  if (of === undefined) return { part };
  if (fields !== undefined) return { part, of: { fields: fields.split(' '), not: not !== undefined } };
  const name = of.toUpperCase();
  if (name === 'MIME' && part.length === 0) return undefined;
  return name === 'HEADER' || name === 'TEXT' || name === 'MIME' ? { part, of: name } : undefined;
}
