/**
 * ports/mail-files - mailboxes as files on a disk: what an account is exported to and imported from. Implemented by
 * connectors/mail-files.
 *
 * Messages have CRLF lines on our side of the door. Maildir and mbox have LF lines, as programs expect there: a message
 * with a bare LF comes back with CRLF. In .eml files octets stay as they are.
 */
export const mailFormats = ['maildir', 'mbox', 'eml'] as const;
export type MailFormat = (typeof mailFormats)[number];

export interface FiledMailbox {
  /** Decoded, one level each. */
  readonly path: readonly string[];
  /** Its file or folder. */
  readonly where: string;
}

export interface FiledMessage {
  /** For people: a file, with an offset where it has many messages. */
  readonly where: string;
  /** With backslash, then keywords. */
  readonly flags: readonly string[];
  readonly internalDate?: Date;
  /** POP3's unique id on the server it comes from, where that can be learned. */
  readonly uidl?: string;
  /** As often as one likes. */
  content(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface MailFilesReader {
  /** Parents before children. */
  mailboxes(signal: AbortSignal): AsyncIterable<FiledMailbox>;
  /** Oldest first where the format tells. */
  messages(mailbox: FiledMailbox, signal: AbortSignal): AsyncIterable<FiledMessage>;
}

export interface MessageToFile {
  readonly flags: readonly string[];
  readonly internalDate: Date;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface MailFilesWriter {
  /** Also for mailboxes without messages. */
  mailbox(path: readonly string[]): Promise<void>;
  append(path: readonly string[], message: MessageToFile, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface MailFiles {
  /** Throws MailFilesTrouble: there is nothing of that format. */
  read(format: MailFormat, place: string): Promise<MailFilesReader>;
  /** `place` is a folder that is empty or not there. Throws MailFilesTrouble. */
  write(format: MailFormat, place: string): Promise<MailFilesWriter>;
}

/** The files cannot be read or made; the message says which and why. */
export class MailFilesTrouble extends Error {
  override readonly name = 'MailFilesTrouble';
}
