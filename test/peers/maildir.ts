/**
 * peers/maildir - a Maildir that a client of other people keeps: what is in it, with CRLF, and changes as a person's
 * mail program makes them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kept } from './imap-ground.ts';

/** Maildir's letters in its order (https://cr.yp.to/proto/maildir.html) and what IMAP calls them. */
const letters: Readonly<Record<string, string>> = {
  D: '\\Draft',
  F: '\\Flagged',
  R: '\\Answered',
  S: '\\Seen',
  T: '\\Deleted',
};

/** Files of a mailbox, in no order. */
const files = (maildir: string): string[] =>
  ['new', 'cur'].flatMap((part) =>
    existsSync(join(maildir, part)) ? readdirSync(join(maildir, part)).map((name) => join(part, name)) : [],
  );

const flagsOfFile = (name: string): string =>
  [...(name.split(':2,')[1] ?? '')]
    .flatMap((letter) => letters[letter] ?? [])
    .sort()
    .join(' ');

/** Its messages by their subjects' order. */
export const mailsIn = (maildir: string): Kept[] =>
  inOrder(
    files(maildir).map((name) => ({
      flags: flagsOfFile(name),
      content: readFileSync(join(maildir, name), 'latin1').replace(/\r?\n/g, '\r\n'),
    })),
  );

export const inOrder = (mails: readonly Kept[]): Kept[] =>
  [...mails].sort((a, b) => (a.content < b.content ? -1 : Number(a.content > b.content)));

/** A new message, seen by nobody. */
export function drop(maildir: string, name: string, content: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true });
  writeFileSync(join(maildir, 'new', name), content.replaceAll('\r\n', '\n'), 'latin1');
}

function find(maildir: string, text: string): string {
  const [found] = files(maildir).filter((name) => readFileSync(join(maildir, name), 'latin1').includes(text));
  if (found === undefined) throw new Error(`no message with ${text} in ${maildir}`);
  return found;
}

/** The message with `text` in it has these letters from now on. */
export function mark(maildir: string, text: string, flags: string): void {
  const found = find(maildir, text);
  const name = found.replace(/^(new|cur)\//, '').replace(/:2,.*$/, '');
  renameSync(join(maildir, found), join(maildir, 'cur', `${name}:2,${flags}`));
}

/** To another mailbox, under a new name as the Maildir of mbsync demands it. */
export function move(maildir: string, text: string, other: string): void {
  const found = find(maildir, text);
  renameSync(
    join(maildir, found),
    join(other, 'cur', `moved.${Date.now()}:2,${found.split(':2,')[1] ?? ''}`),
  );
}

export const remove = (maildir: string, text: string): void => rmSync(join(maildir, find(maildir, text)));
