/**
 * peers/fetch-clients - other people's programs that fetch mail by POP3 or IMAP, each with a folder of its own that remembers what it has fetched.
 *
 * A run fetches once, over TLS that it verifies, and answers how the program ended; what was fetched lies in files.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, type Ended } from './command.ts';
import { program } from './packages.ts';

export interface Fetching {
  /** POP3 when not said. */
  readonly protocol?: 'pop3' | 'imap';
  readonly port: number;
  /** TLS from the first octet; else STLS or STARTTLS. */
  readonly implicit: boolean;
  readonly user: string;
  readonly password: string;
  /** PEM of the authority. */
  readonly ca: string;
  /** Empty at first; kept between runs. */
  readonly folder: string;
  /** Leave the mail where it is. */
  readonly keep: boolean;
  /** SASL mechanism, in the program's own words. */
  readonly mechanism?: string;
}

export interface FetchClient {
  /** It leaves messages as unseen as they were when it leaves them: it says TOP, not RETR. */
  readonly looksOnly?: boolean;
  run(fetching: Fetching): Promise<Ended>;
}

/** Messages in the client's Maildir, with CRLF, in no order, without the fields that getmail adds. */
export function fetched(folder: string): string[] {
  const maildir = join(folder, 'mail', 'new');
  return readdirSync(maildir).map((name) =>
    readFileSync(join(maildir, name), 'latin1')
      .replace(/^Return-Path: .*\n/, '')
      .replace(/^X-getmail-retrieved-from-mailbox: .*\n/m, '')
      .replace(/\r?\n/g, '\r\n'),
  );
}

/** Anyone may write to it: some programs do not deliver as root. */
function makeMaildir(folder: string): string {
  const maildir = join(folder, 'mail');
  for (const path of [maildir, ...['new', 'cur', 'tmp'].map((name) => join(maildir, name))]) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
  }
  chmodSync(folder, 0o755);
  return maildir;
}

function write(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

export const mpop: FetchClient = {
  run({ port, implicit, user, password, ca, folder, keep, mechanism = 'plain' }) {
    const rc = write(folder, 'mpoprc', [
      'account default',
      `host 127.0.0.1\nport ${port}`,
      `tls on\ntls_starttls ${implicit ? 'off' : 'on'}\ntls_trust_file ${ca}`,
      `auth ${mechanism}\nuser ${user}\npassword ${password}`,
      `delivery maildir ${makeMaildir(folder)}`,
      `uidls_file ${join(folder, 'uidls')}`,
      `keep ${keep ? 'on' : 'off'}\nreceived_header off`,
    ]);
    return command(program('mpop'), ['-C', rc]);
  },
};

/** Its exit code is 1 when there is no mail. */
export const fetchmail: FetchClient = {
  looksOnly: true,
  run({ protocol = 'pop3', port, implicit, user, password, ca, folder, keep, mechanism = 'password' }) {
    const target = `sh -c 'cat > ${makeMaildir(folder)}/new/$(date +%s%N)'`;
    const rc = write(folder, 'fetchmailrc', [
      `set idfile "${join(folder, 'ids')}"`,
      'set invisible',
      `poll 127.0.0.1 protocol ${protocol} service ${port} ${protocol === 'pop3' ? 'uidl' : ''} auth ${mechanism}`,
      `  user "${user}" password "${password}" is root here`,
      `  ${implicit ? 'ssl' : 'sslproto "tls1.2+"'} sslcertck sslcertfile "${ca}"`,
      // It looks for names only, not for addresses.
      '  sslcommonname "mail.example.org"',
      `  ${keep ? 'keep' : 'nokeep'} no rewrite`,
      `  mda "${target}"`,
    ]);
    const env = { FETCHMAILHOME: folder, HOME: folder };
    return command(program('fetchmail'), ['-f', rc, '--pidfile', join(folder, 'pid'), '-v'], { env });
  },
};

export const getmail: FetchClient = {
  run({ protocol = 'pop3', port, implicit, user, password, ca, folder, keep }) {
    write(folder, 'getmailrc', [
      '[retriever]',
      `type = Simple${protocol.toUpperCase()}${implicit ? 'SSL' : ''}Retriever`,
      `server = 127.0.0.1\nport = ${port}\nusername = ${user}\npassword = ${password}`,
      ...(implicit ? [`ca_certs = ${ca}`] : []),
      `[destination]\ntype = Maildir\npath = ${makeMaildir(folder)}/`,
      ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
      `[options]\nread_all = false\ndelete = ${keep ? 'false' : 'true'}`,
      'received = false\ndelivered_to = false',
    ]);
    return command(program('getmail'), ['--getmaildir', folder], { env: { HOME: folder } });
  },
};

/**
 * One command of curl's: RETR or FETCH of a message, LIST, and so on. The answer is its standard output, but the lines of
 * an IMAP command of one's own (`--request`) only when it lists something.
 */
export const curl = (
  { protocol = 'pop3', port, implicit, user, password, ca }: Fetching,
  path: string,
  more: readonly string[] = [],
): Promise<Ended> =>
  command(program('curl'), [
    ...['--silent', '--show-error', '--cacert', ca, '--ssl-reqd', '--user', `${user}:${password}`],
    ...more,
    `${protocol}${implicit ? 's' : ''}://127.0.0.1:${port}/${path}`,
  ]);
