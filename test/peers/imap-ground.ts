/**
 * peers/imap-ground - ada's mailboxes on the real store, served within TLS to a client of other people, and watched by
 * another client of ada's that says and reads exact octets.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultImapOptions } from '../../src/access/imap/options.ts';
import { imapProtocol } from '../../src/access/imap/protocol.ts';
import { startAccess } from '../../src/access/listener.ts';
import { defaultAccessLimits } from '../../src/access/options.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { bugsOnly, imapServer } from '../access/imap-server.ts';
import type { ImapTalk } from '../access/imap-talk.ts';
import { certificate } from '../fixture/tls.ts';

export interface ImapGround {
  /** TLS from the first octet. */
  readonly port: number;
  /** STARTTLS, and no signing in before it. */
  readonly startTlsPort: number;
  /** PEM of the authority; the certificate is for `localhost` and 127.0.0.1. */
  readonly ca: string;
  /** Empty at first; the client's own. */
  readonly folder: string;
  /** ada's other client. */
  readonly other: ImapTalk;
  /** Each message of a mailbox: its flags without \Recent, sorted, and its content, one character an octet. */
  look(mailbox: string): Promise<readonly Kept[]>;
  /** Everything that a client could see changing: names, UIDs, flags, mod-sequences. */
  state(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Kept {
  readonly flags: string;
  readonly content: string;
}

export async function imapGround(): Promise<ImapGround> {
  const server = await imapServer();
  const { cert, key, ca } = await certificate(['localhost', 'mail.example.org']);
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-imap-'));
  const [implicit, starting] = await Promise.all(
    (['implicit', 'required'] as const).map((mode) =>
      startAccess(
        {
          name: mode,
          address: '127.0.0.1',
          port: 0,
          tls: {
            mode,
            certificates: [{ cert, key }],
            minVersion: 'TLSv1.2',
            clientCertificates: 'ignore',
          },
          proxyProtocol: { networks: [] },
          limits: { ...defaultAccessLimits, connectionsPerMinute: 0 },
        },
        imapProtocol(defaultImapOptions, server.deps),
        { metrics: noMetrics, log: bugsOnly, now: () => new Date() },
      ),
    ),
  );
  const other = await server.as('ada');
  const mailboxes = async (): Promise<string[]> =>
    (await other.ok('LIST "" *'))
      .filter((one) => !one.includes('\\Noselect'))
      .map((one) => one.replace(/^\* LIST \([^)]*\) "[^"]*" /, ''));
  return {
    port: implicit?.port ?? 0,
    startTlsPort: starting?.port ?? 0,
    ca,
    folder,
    other,
    async look(mailbox) {
      await other.ok(`EXAMINE ${mailbox}`);
      const told = await other.ok('UID FETCH 1:* (FLAGS BODY.PEEK[])');
      return told.filter((one) => one.includes('BODY[]')).map(kept);
    },
    async state() {
      const all: string[] = [];
      for (const name of await mailboxes()) {
        all.push(...(await other.ok(`STATUS ${name} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)`)));
        await other.ok(`EXAMINE ${name}`);
        all.push(...(await other.ok('UID FETCH 1:* (FLAGS MODSEQ)')).map((one) => `${name} ${one}`));
      }
      // Asking for mod-sequences the first time is answered with one more (RFC 7162 §3.1.2.1).
      return all.filter((one) => !one.startsWith('* OK '));
    },
    async close() {
      other.end();
      await implicit?.close();
      await starting?.close();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function kept(response: string): Kept {
  const flags = /FLAGS \(([^)]*)\)/.exec(response)?.[1] ?? '';
  const start = /BODY\[\] \{(\d+)\}\r\n/.exec(response);
  const from = (start?.index ?? 0) + (start?.[0].length ?? 0);
  return {
    flags: flags
      .split(' ')
      .filter((flag) => flag !== '\\Recent' && flag !== '')
      .sort()
      .join(' '),
    content: response.slice(from, from + Number(start?.[1] ?? 0)),
  };
}
