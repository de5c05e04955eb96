/**
 * scenario/hosted-operator - what an operator does with the mailboxes of a running node, and what people see of it.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addressOf, type Hosted, password, startHosted } from '../fixture/hosted.ts';
import { until } from '../peers/command.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const hana = addressOf('hana');
let hosted: Hosted;
let folder: string;
beforeAll(async () => {
  hosted = await startHosted();
  for (const name of ['hana', 'ivo']) await hosted.account(name);
  folder = mkdtempSync(join(tmpdir(), 'isthmus-operator-'));
}, 400_000);
afterAll(async () => {
  await hosted.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function imap<T>(work: (flow: ImapFlow) => Promise<T>, pass = password, user = hana): Promise<T> {
  const flow = new ImapFlow({
    host: '127.0.0.1',
    port: hosted.ports.imap,
    secure: true,
    auth: { user, pass },
    logger: false,
    tls: { rejectUnauthorized: false },
  });
  await flow.connect();
  try {
    return await work(flow);
  } finally {
    await flow.logout().catch(() => flow.close());
  }
}

async function isthmus(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await hosted.gateway.isthmus(...words);
  if (code !== 0) throw new Error(`isthmus ${words.join(' ')}: ${code} ${stderr}${stdout}`);
  return stdout;
}

const count = (mailbox: string): Promise<number> =>
  imap(async (flow) => {
    const status = await flow.status(mailbox, { messages: true });
    return status ? (status.messages ?? 0) : 0;
  });

test('mail of another server is imported, read by IMAP, and imported again it is not doubled', async () => {
  const cur = join(folder, 'in', '.Projekte.Br&APw-cke', 'cur');
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(folder, 'in', part), { recursive: true });
  mkdirSync(cur, { recursive: true });
  for (let n = 0; n < 20; n++)
    writeFileSync(
      join(cur, `${1_700_000_000 + n}.x${n}:2,${n % 2 ? 'S' : ''}`),
      `Subject: old ${n}\n\nhello\n`,
    );
  const words = ['account', 'import', hana, join(folder, 'in'), '--format', 'maildir'];
  expect(await isthmus(...words)).toContain('Imported 20 messages');
  expect(await isthmus(...words)).toContain('Imported 0 messages');
  const status = await imap((flow) => flow.status('Projekte/Brücke', { messages: true, unseen: true }));
  expect(status).toMatchObject({ messages: 20, unseen: 10 });
});

test('what a person has deleted comes back to a session that waits, within seconds', async () => {
  await imap(async (flow) => {
    await flow.mailboxOpen('Projekte/Brücke');
    await flow.messageDelete('1:15');
  });
  expect(await count('Projekte/Brücke')).toBe(5);
  await imap(async (flow) => {
    await flow.mailboxOpen('Projekte/Brücke');
    let exists = 5;
    flow.on('exists', (event: { count: number }) => {
      exists = event.count;
    });
    void flow.idle();
    expect(await isthmus('account', 'restore', hana, '--since', '1h')).toContain('Put 15 messages back');
    await until('the session hears of all', () => exists === 20, 10_000);
  });
});

test('an app password lets in, and no more when it is revoked', async () => {
  const { secret, id } = await hosted.gateway.json<{ secret: string; id: number }>(
    ...['account', 'app-password', 'add', hana, '--label', 'phone', '--for', 'imap'],
  );
  expect(await imap(async () => 'in', secret)).toBe('in');
  await isthmus('account', 'app-password', 'revoke', hana, String(id));
  await expect(imap(async () => 'in', secret)).rejects.toThrow();
});

test('who is disabled is not let in, and is again when enabled', async () => {
  await isthmus('account', 'disable', hana);
  await expect(imap(async () => 'in')).rejects.toThrow();
  await isthmus('account', 'enable', hana);
  expect(await imap(async () => 'in')).toBe('in');
});

test('mailboxes that the operator makes, shares and renames are what people see', async () => {
  await isthmus('mailbox', 'create', hana, 'Team/Plans', '--subscribe');
  await isthmus('mailbox', 'rights', hana, 'Team/Plans', addressOf('ivo'), 'lrs');
  const paths = (user: string) =>
    imap(async (flow) => (await flow.list()).map(({ path }) => path), password, user);
  expect(await paths(hana)).toContain('Team/Plans');
  expect((await paths(addressOf('ivo'))).filter((path) => path.endsWith('Team/Plans'))).toHaveLength(1);
  await isthmus('mailbox', 'rename', hana, 'Team', 'Group');
  expect(await paths(hana)).toContain('Group/Plans');
});

test('mail is exported from the running node, and the store is whole', async () => {
  expect(await isthmus('account', 'export', hana, join(folder, 'out'), '--format', 'mbox')).toContain(
    'Exported 20 messages',
  );
  expect(readdirSync(join(folder, 'out'))).toContain('Projekte.sbd');
  expect(await isthmus('fsck', '--deep')).toContain('The store is whole.');
});
