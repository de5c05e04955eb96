/**
 * peers/imap-clients - other people's IMAP clients, each with a folder of its own that remembers what it has seen.
 *
 * All speak TLS that they verify. The answer is how the program ended.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, type Ended } from './command.ts';
import { program } from './packages.ts';

export interface ImapVisit {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** PEM of the authority. */
  readonly ca: string;
  /** Empty at first; kept between runs. */
  readonly folder: string;
}

function write(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

/** Mirrors all mailboxes to a Maildir and back. */
export function mbsync({ port, user, password, ca, folder }: ImapVisit): Promise<Ended> {
  mkdirSync(join(folder, 'mail'), { recursive: true });
  const rc = write(folder, 'mbsyncrc', [
    `IMAPAccount here\nHost localhost\nPort ${port}\nUser ${user}\nPass ${password}`,
    `SSLType STARTTLS\nCertificateFile ${ca}\n`,
    'IMAPStore far\nAccount here\n',
    `MaildirStore near\nPath ${folder}/mail/\nInbox ${folder}/mail/INBOX\nSubFolders Verbatim\n`,
    'Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\nSyncState *',
  ]);
  return command(program('mbsync'), ['-c', rc, 'all'], { env: { HOME: folder } });
}

/** Messages in a Maildir that mbsync keeps: flags, and content with CRLF and without what mbsync adds. */
export function maildir(
  folder: string,
  mailbox: string,
): { readonly path: string; readonly flags: string; readonly content: string }[] {
  const root = join(folder, 'mail', mailbox);
  return ['new', 'cur'].flatMap((place) =>
    readdirSync(join(root, place)).map((name) => ({
      path: join(root, place, name),
      flags: /:2,([A-Z]*)$/.exec(name)?.[1] ?? '',
      content: readFileSync(join(root, place, name), 'latin1')
        .replace(/^X-TUID: .*\n/m, '')
        .replace(/\r?\n/g, '\r\n'),
    })),
  );
}

/** One request of curl's: the path names what is wanted, `request` is a command of IMAP. */
export const curl = (
  { port, user, password, ca }: ImapVisit,
  path: string,
  more: readonly string[] = [],
): Promise<Ended> =>
  command(program('curl'), [
    ...['--silent', '--show-error', '--cacert', ca, '--ssl-reqd', '--user', `${user}:${password}`],
    ...more,
    `imap://127.0.0.1:${port}/${path}`,
  ]);

/** Fetches what is new in INBOX into files, and leaves it there. */
export async function fetchmail({ port, user, password, ca, folder }: ImapVisit): Promise<Ended> {
  mkdirSync(join(folder, 'fetched'), { recursive: true, mode: 0o777 });
  const rc = write(folder, 'fetchmailrc', [
    'set invisible',
    `poll 127.0.0.1 protocol imap service ${port} auth password`,
    `  user "${user}" password "${password}" is root here`,
    `  sslproto "tls1.2+" sslcertck sslcertfile "${ca}" sslcommonname "mail.example.org"`,
    '  keep no rewrite',
    `  mda "sh -c 'cat > ${folder}/fetched/$(date +%s%N)'"`,
  ]);
  const env = { FETCHMAILHOME: folder, HOME: folder };
  return await command(program('fetchmail'), ['-f', rc, '--pidfile', join(folder, 'pid')], { env });
}

/** A few lines of Python on its own library, which many scripts of administrators are built on. */
export const imaplib = ({ port, user, password, ca }: ImapVisit, lines: readonly string[]): Promise<Ended> =>
  command(program('python3'), [
    '-c',
    [
      'import imaplib, ssl',
      `context = ssl.create_default_context(cafile=${JSON.stringify(ca)})`,
      `imap = imaplib.IMAP4("127.0.0.1", ${port})`,
      'imap.starttls(context)',
      `imap.login(${JSON.stringify(user)}, ${JSON.stringify(password)})`,
      ...lines,
      'imap.logout()',
    ].join('\n'),
  ]);
