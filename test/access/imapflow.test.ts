/** A real client's whole cycle: imapflow, as mail programs in JavaScript use it. */
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { type ImapServer, imapServer } from './imap-server.ts';

let server: ImapServer;
let pem: Certificate;
beforeAll(async () => {
  pem = await certificate(['imap.example.org']);
  server = await imapServer({
    listener: {
      tls: {
        mode: 'required',
        certificates: [{ cert: pem.cert, key: pem.key }],
        minVersion: 'TLSv1.2',
        clientCertificates: 'ignore',
      },
    },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function client(name: string): Promise<ImapFlow> {
  const flow = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    auth: { user: name, pass: 'secret' },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await flow.connect();
  return flow;
}

const letter = (subject: string): string =>
  `From: ada@example.org\r\nTo: bob@example.org\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;

test('signs in by STARTTLS, files, reads, flags, moves, searches and removes mail', async () => {
  const flow = await client('ada');
  expect(flow.secureConnection).toBe(true);
  const names = (await flow.list()).map(({ path, specialUse }) => [path, specialUse]);
  expect(names).toContainEqual(['Sent', '\\Sent']);
  await flow.mailboxCreate(['Projects', 'Grüße']);
  for (const subject of ['one', 'two', 'three'])
    await flow.append('INBOX', letter(subject), subject === 'two' ? ['\\Flagged'] : []);
  const lock = await flow.getMailboxLock('INBOX');
  try {
    expect(flow.mailbox).toMatchObject({ exists: 3, path: 'INBOX' });
    const subjects: unknown[] = [];
    for await (const message of flow.fetch('1:*', { envelope: true, flags: true, source: true, uid: true }))
      subjects.push([message.uid, message.envelope?.subject, message.source?.toString()]);
    expect(subjects).toEqual([
      [1, 'one', letter('one')],
      [2, 'two', letter('two')],
      [3, 'three', letter('three')],
    ]);
    expect(await flow.search({ flagged: true }, { uid: true })).toEqual([2]);
    expect(await flow.search({ subject: 'THREE' })).toEqual([3]);
    await flow.messageFlagsAdd('1', ['\\Seen', '$Done']);
    const one = await flow.fetchOne('1', { flags: true });
    expect(one ? one.flags : one).toEqual(new Set(['\\Seen', '$Done']));
    const moved = await flow.messageMove('2', 'Projects/Grüße');
    expect(moved ? moved.uidMap : moved).toEqual(new Map([[2, 1]]));
    await flow.messageDelete('1');
    const status = await flow.status('INBOX', { messages: true, unseen: true });
    expect(status).toMatchObject({ messages: 1, unseen: 1 });
    const { content } = await flow.download('1', '1');
    const chunks: Buffer[] = [];
    for await (const chunk of content ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('Hello.\r\n');
  } finally {
    lock.release();
  }
  await flow.mailboxRename('Projects/Grüße', 'Projects/Done');
  await flow.mailboxDelete('Projects/Done');
  await flow.logout();
}, 30_000);

test('hears of new mail while it waits', async () => {
  const waiting = await client('bob');
  const lock = await waiting.getMailboxLock('INBOX');
  const heard = new Promise((resolve) => waiting.once('exists', resolve));
  const idle = waiting.idle();
  const other = await client('bob');
  await other.append('INBOX', letter('news'));
  expect(await heard).toMatchObject({ path: 'INBOX', count: 1 });
  lock.release();
  await other.logout();
  await waiting.logout();
  await idle;
}, 30_000);
