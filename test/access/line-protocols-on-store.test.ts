/**
 * POP3 and ManageSieve on the real store: what was deleted is gone for everybody, what was read is \Seen, unique ids
 * stay, and scripts are where deliveries look for them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AccessListener, startAccess } from '../../src/access/listener.ts';
import { manageSieve } from '../../src/access/managesieve/session.ts';
import { type AccessProtocol, defaultAccessLimits } from '../../src/access/options.ts';
import { pop3 } from '../../src/access/pop3/session.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { Talk } from '../receive/talk.ts';
import { judge, usual as usualSieve } from './managesieve/serve.ts';
import { People } from './people.ts';
import { usual as usualPop3 } from './pop3/serve.ts';
import { openStorePlace, type StorePlace } from './store-place.ts';

let place: StorePlace;
const listeners: AccessListener[] = [];
const talks: Talk[] = [];
let popPort: number;
let sievePort: number;

beforeAll(async () => {
  place = await openStorePlace('ada', 'bob');
  const authenticator = new People({ ada: 'secret', bob: 'secret' });
  authenticator.isSafeWithoutTls = true;
  const { messages, openAccount, tree } = place;
  const deps = { ...tree, authenticator, openAccount, reading: messages, writing: messages, judge };
  popPort = await serve(pop3(() => usualPop3, deps));
  sievePort = await serve(manageSieve(() => usualSieve, deps));
});
afterAll(async () => {
  for (const talk of talks) talk.destroy();
  for (const listener of listeners) await listener.close();
  await place.close();
});

async function serve(protocol: AccessProtocol): Promise<number> {
  const tls = {
    mode: 'none',
    certificates: [],
    minVersion: 'TLSv1.2',
    clientCertificates: 'ignore',
  } as const;
  const where = { name: 'test', address: '127.0.0.1', port: 0, tls, proxyProtocol: { networks: [] } };
  const deps = { metrics: noMetrics, log: silentLog, now: () => new Date() };
  const listener = await startAccess({ ...where, limits: defaultAccessLimits }, protocol, deps);
  listeners.push(listener);
  return listener.port;
}

const say = (talk: Talk, line: string) => talk.write(`${line}\r\n`).line();

async function list(talk: Talk, line: string): Promise<string[]> {
  talk.write(`${line}\r\n`);
  const lines: string[] = [];
  for (let one = await talk.line(); one !== undefined && one !== '.'; one = await talk.line())
    lines.push(one);
  return lines;
}

async function fetching(name: string): Promise<Talk> {
  const talk = Talk.to(popPort);
  talks.push(talk);
  await talk.line();
  await say(talk, `USER ${name}`);
  expect(await say(talk, 'PASS secret')).toMatch(/^\+OK/);
  return talk;
}

test('mail is fetched octet for octet, then gone or seen, and ids stay', async () => {
  const long = `Subject: long\r\n\r\n${'.x'.repeat(30)}\r\n`.repeat(3_000);
  await place.deliver('ada', 'Subject: one\r\n\r\nhello\r\n', 'old-server-1');
  await place.deliver('ada', long);
  await place.deliver('ada', 'Subject: three\r\n\r\n');
  const { uidValidity } = (await place.inboxOf('ada')).status;
  const ids = ['1 old-server-1', `2 ${uidValidity}.2`, `3 ${uidValidity}.3`];

  const talk = await fetching('ada');
  expect(await list(talk, 'UIDL')).toEqual(['+OK Unique ids', ...ids]);
  expect(await list(talk, 'LIST')).toContain(`2 ${long.length}`);
  const [, ...lines] = await list(talk, 'RETR 2');
  expect(`${lines.map((line) => line.replace(/^\./, '')).join('\r\n')}\r\n` === long).toBe(true);
  await list(talk, 'RETR 1');
  await say(talk, 'DELE 1');
  expect(await place.inbox('ada')).toEqual(['1', '2', '3']);
  expect(await say(talk, 'QUIT')).toBe('+OK 1 messages deleted, bye');
  expect(await place.inbox('ada')).toEqual(['2 \\Seen', '3']);

  const again = await fetching('ada');
  expect(await list(again, 'UIDL')).toEqual(['+OK Unique ids', `1 ${uidValidity}.2`, `2 ${uidValidity}.3`]);
});

test('what somebody else expunges meanwhile can still be read, and deleted once more', async () => {
  const [one, two] = [await place.deliver('bob', 'a: 1\r\n'), await place.deliver('bob', 'a: 2\r\n')];
  const talk = await fetching('bob');
  const { id } = await place.inboxOf('bob');
  await place.messages.expunge(id, [{ first: one, last: one }], { anyway: true });
  await place.deliver('bob', 'a: 3\r\n');
  expect(await list(talk, 'RETR 1')).toEqual(['+OK 6 octets', 'a: 1']);
  await say(talk, 'DELE 1');
  await say(talk, 'DELE 2');
  expect(await say(talk, 'QUIT')).toMatch(/^\+OK/);
  expect(await place.inbox('bob')).toEqual([String(two + 1)]);
});

test('scripts are kept, and the active one is what deliveries run', async () => {
  const { account } = await place.inboxOf('ada');
  const talk = Talk.to(sievePort);
  talks.push(talk);
  while (!(await talk.line())?.startsWith('OK'));
  await say(talk, `AUTHENTICATE "PLAIN" "${Buffer.from('\0ada\0secret').toString('base64')}"`);
  expect(await say(talk, 'PUTSCRIPT "größe" {11+}\r\nkeep; # ä\n')).toBe('OK');
  expect(await say(talk, 'SETACTIVE "größe"')).toBe('OK');
  expect(await place.tree.scripts.active(account)).toEqual({ name: 'größe', content: 'keep; # ä\n' });
  expect(await say(talk, 'PUTSCRIPT "größe" "fileinto \\"x\\";"')).toMatch(/^NO /);
  expect(await place.tree.scripts.get(account, 'größe')).toBe('keep; # ä\n');
  expect(await say(talk, 'DELETESCRIPT "größe"')).toMatch(/^NO \(ACTIVE\)/);
  expect(await say(talk, 'RENAMESCRIPT "größe" "b"')).toBe('OK');
  expect(await say(talk, 'SETACTIVE ""')).toBe('OK');
  expect(await say(talk, 'DELETESCRIPT "b"')).toBe('OK');
  expect(await place.tree.scripts.list(account)).toEqual([]);
});
