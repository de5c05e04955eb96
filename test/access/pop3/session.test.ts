/**
 * POP3 when things go wrong, take long, or are many.
 */
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { BodyGone, StoreAway } from '../../../src/ports/messages.ts';
import { ScramClient } from '../../protocol/sasl-client.ts';
import { Talk } from '../../receive/talk.ts';
import { type Pop3Ground, type Served, servePop3 } from './serve.ts';

const open: { destroy?(): void; close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    one.destroy?.();
    await one.close?.();
  }
});

async function serve(ground: Pop3Ground = {}): Promise<Served> {
  const served = await servePop3({ plaintext: true, ...ground });
  open.push(served.listener);
  return served;
}

async function dial(served: Served): Promise<Talk> {
  const talk = Talk.to(served.listener.port);
  open.push(talk);
  expect(await talk.line()).toMatch(/^\+OK /);
  return talk;
}

const say = (talk: Talk, line: string) => talk.write(`${line}\r\n`).line();

async function enter(served: Served): Promise<Talk> {
  const talk = await dial(served);
  await say(talk, 'USER ada');
  expect(await say(talk, 'PASS secret')).toMatch(/^\+OK /);
  return talk;
}

async function list(talk: Talk): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await talk.line(); line !== undefined && line !== '.'; line = await talk.line())
    lines.push(line);
  return lines;
}

test('TLS may be there from the first octet', async () => {
  const served = await serve({ tls: 'implicit' });
  const talk = Talk.tls(served.listener.port, { servername: 'mail.example.org' });
  open.push(talk);
  expect(await talk.line()).toBe('+OK Isthmus POP3 ready');
  expect(await say(talk, 'CAPA')).toMatch(/^\+OK/);
  expect(await list(talk)).not.toContain('STLS');
  expect(await say(talk, 'STLS')).toBe('-ERR TLS is on already');
  expect(served.people.channels).toHaveLength(0);
  await say(talk, 'USER ada');
  await say(talk, 'PASS secret');
  expect(served.people.channels[0]).toMatchObject({ service: 'pop3', remote: '127.0.0.1', tls: true });
  expect([...(served.people.channels[0]?.channelBindings.keys() ?? [])]).toContain('tls-exporter');
});

test('what was sent in the clear behind STLS is not obeyed', async () => {
  const served = await serve();
  const talk = await dial(served);
  talk.write('STLS\r\nUSER ada\r\nPASS secret\r\n');
  expect(await talk.line()).toBe('+OK Begin TLS');
  await talk.startTls({ servername: 'mail.example.org' });
  expect((talk.socket as TLSSocket).getPeerCertificate().subject.CN).toBe('mail.example.org');
  expect(await say(talk, 'NOOP')).toBe('-ERR NOOP is not permitted before sign-in');
  expect(served.people.channels).toHaveLength(0);
});

test('SCRAM-SHA-256 needs no TLS, and its last word is answered with nothing', async () => {
  const served = await serve({ plaintext: false });
  const talk = await dial(served);
  const client = new ScramClient({ name: 'ada', password: 'secret' });
  const first = await say(talk, `AUTH SCRAM-SHA-256 ${client.first().toString('base64')}`);
  const final = client.final(Buffer.from(first?.slice(2) ?? '', 'base64'));
  const last = await say(talk, final.toString('base64'));
  expect(client.trusts(Buffer.from(last?.slice(2) ?? '', 'base64'))).toBe(true);
  expect(await say(talk, '')).toBe('+OK 0 messages (0 octets)');
});

test.each([
  ['tooMany', '-ERR [SYS/TEMP] Too many failures, try again later'],
  ['unavailable', '-ERR [SYS/TEMP] Sign-in is not possible now, try again later'],
  ['notPermitted', '-ERR [SYS/PERM] Not permitted to this account'],
  ['expired', '-ERR [AUTH] The password or token has expired'],
] as const)('a sign-in refused because it is %s is answered with %j', async (wall, answer) => {
  const served = await serve();
  served.people.wall = wall;
  const talk = await dial(served);
  await say(talk, 'USER ada');
  expect(await say(talk, 'PASS secret')).toBe(answer);
});

test('an account that is disabled does not open', async () => {
  const served = await serve();
  served.store.disable('ada');
  const talk = await dial(served);
  await say(talk, 'USER ada');
  expect(await say(talk, 'PASS secret')).toBe('-ERR [SYS/PERM] Not permitted to this account');
});

test('a store that is away is told so, and the same connection may try again', async () => {
  const served = await serve({ options: { sessionsPerAccount: 1 } });
  const talk = await dial(served);
  for (const method of ['get', 'rows'] as const) {
    served.store.deliver('ada', 'a: b\r\n');
    served.store.troubles.set(method, new StoreAway('gone for lunch'));
    await say(talk, 'USER ada');
    expect(await say(talk, 'PASS secret')).toBe('-ERR [SYS/TEMP] The mail store is away');
    served.store.troubles.clear();
  }
  await say(talk, 'USER ada');
  expect(await say(talk, 'PASS secret')).toBe('+OK 2 messages (12 octets)');
});

test('a message whose content is gone is refused, and the session goes on', async () => {
  const served = await serve();
  served.store.deliver('ada', 'a: b\r\n');
  served.store.troubles.set('content', new BodyGone('no'));
  const talk = await enter(served);
  expect(await say(talk, 'RETR 1')).toBe('-ERR [SYS/TEMP] The message cannot be read');
  expect(await say(talk, 'STAT')).toBe('+OK 1 6');
  expect(await say(talk, 'QUIT')).toBe('+OK Bye');
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('a message that breaks off in the middle is cut off with its connection, never ended', async () => {
  const served = await serve();
  served.store.deliver('ada', `a: b\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(1000));
  served.store.cutAfter = 30_000;
  const talk = await enter(served);
  talk.write('RETR 1\r\nQUIT\r\n');
  const lines = await talk.rest();
  expect(lines[0]).toMatch(/^\+OK/);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines).not.toContain('.');
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('deletions that fail are told, and nothing is said to be gone', async () => {
  const served = await serve();
  served.store.deliver('ada', 'a: b\r\n');
  served.store.troubles.set('expunge', new StoreAway('no'));
  const talk = await enter(served);
  await say(talk, 'DELE 1');
  expect(await say(talk, 'QUIT')).toBe('-ERR [SYS/TEMP] Deleted messages are still there');
  expect(await talk.rest()).toEqual([]);
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('marking as seen may fail without harm', async () => {
  const served = await serve();
  served.store.deliver('ada', 'a: b\r\n');
  served.store.deliver('ada', 'a: b\r\n');
  served.store.troubles.set('flag', new StoreAway('no'));
  const talk = await enter(served);
  talk.write('RETR 1\r\n');
  await list(talk);
  await say(talk, 'DELE 2');
  expect(await say(talk, 'QUIT')).toBe('+OK 1 messages deleted, bye');
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('an account has so many sessions at once, and one that ended makes room', async () => {
  const served = await serve({ options: { sessionsPerAccount: 2 } });
  const first = await enter(served);
  await enter(served);
  const third = await dial(served);
  await say(third, 'USER ada');
  expect(await say(third, 'PASS secret')).toBe('-ERR [IN-USE] Too many sessions of this account');
  await say(third, 'USER bob');
  expect(await say(third, 'PASS other secret')).toMatch(/^\+OK/);
  first.destroy();
  await expect.poll(() => served.listener.connections).toBe(2);
  await enter(served);
});

test('sign-ins may have to lie apart', async () => {
  let now = new Date('2026-11-29T12:00:00Z');
  const served = await serve({ options: { loginDelay: 60 }, now: () => now });
  const talk = await enter(served);
  expect(await say(talk, 'CAPA')).toMatch(/^\+OK/);
  expect(await list(talk)).toContain('LOGIN-DELAY 60');
  await say(talk, 'QUIT');
  const again = await dial(served);
  await say(again, 'USER ada');
  expect(await say(again, 'PASS secret')).toMatch(/^-ERR \[LOGIN-DELAY\]/);
  now = new Date('2026-11-29T12:01:00Z');
  await say(again, 'USER ada');
  expect(await say(again, 'PASS secret')).toMatch(/^\+OK/);
});

test('the session ends with its credential', async () => {
  const served = await serve();
  served.store.deliver('ada', 'a: b\r\n');
  served.people.until = new Date(Date.now() + 200);
  const talk = await enter(served);
  await say(talk, 'DELE 1');
  await talk.closed();
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('a shutdown waits for a session in which mail is fetched, and for no other', async () => {
  const served = await serve();
  served.store.deliver('ada', 'a: b\r\n');
  const idle = await dial(served);
  const busy = await enter(served);
  const cut = new AbortController();
  const drained = served.listener.drain(cut.signal);
  expect(await idle.rest()).toEqual(['-ERR [SYS/TEMP] Shutting down']);
  idle.end();
  expect(await say(busy, 'DELE 1')).toMatch(/^\+OK/);
  expect(await say(busy, 'QUIT')).toMatch(/^\+OK/);
  await busy.end().closed();
  await drained;
  expect(served.store.inbox('ada')).toEqual([]);
});

test('silence ends a session without a word, and nothing is deleted', async () => {
  let now = 1_000_000;
  const served = await serve({ limits: { idleTime: 600_000 }, now: () => new Date(now) });
  served.store.deliver('ada', 'a: b\r\n');
  const talk = await enter(served);
  await say(talk, 'DELE 1');
  now += 601_000;
  expect(await talk.rest()).toEqual([]);
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('a long message comes as it is to a client that reads slowly, and is not kept in memory', async () => {
  const served = await serve();
  const content = Buffer.from(`Subject: long\r\n\r\n${`${'.x'.repeat(450)}\r\n`.repeat(20_000)}`);
  served.store.deliver('ada', content);
  const socket = connect({ port: served.listener.port, host: '127.0.0.1' });
  open.push(socket);
  socket.write('USER ada\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n');
  await expect.poll(() => served.store.octetsGiven).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(served.store.octetsGiven).toBeLessThan(content.length);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const said = Buffer.concat(chunks).toString('latin1');
  const from = said.indexOf(`+OK ${content.length} octets\r\n`) + `+OK ${content.length} octets\r\n`.length;
  const to = said.lastIndexOf('.\r\n+OK Bye\r\n');
  expect(said.slice(from, to).replaceAll('\r\n.', '\r\n') === content.toString('latin1')).toBe(true);
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const served = await serve();
  served.store.deliver('ada', `a: b\r\n\r\n${'x'.repeat(998)}\r\n`.repeat(20_000));
  const talk = await enter(served);
  talk.write('RETR 1\r\n');
  expect(await talk.line()).toMatch(/^\+OK/);
  talk.destroy();
  await expect.poll(() => served.listener.connections).toBe(0);
  expect(served.store.inbox('ada')).toEqual(['1']);
});

test('whatever a client says, it is answered line by line, and the next client is served', async () => {
  const served = await serve({ options: { errors: 5 } });
  served.store.deliver('ada', 'a: b\r\n\r\nc\r\n');
  const part = fc.constantFrom(
    ...['USER ada\r\n', 'PASS secret\r\n', 'AUTH PLAIN\r\n', 'AUTH PLAIN =\r\n', '*\r\n', 'RETR 1\r\n'],
    ...['TOP 1 0\r\n', 'DELE 1\r\n', 'RSET\r\n', 'UIDL\r\n', 'LIST 1\r\n', 'CAPA\r\n', 'QUIT\r\n', 'AUTH '],
    ...['LANG\r\n', '\r\n', '\n', '\r', '\0', 'x'.repeat(70_000), '\u00ff', ' ', '99999999999999'],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 25 }), async (parts) => {
      const talk = Talk.to(served.listener.port);
      talk.write(Buffer.from(parts.join(''), 'latin1')).end();
      const lines = await talk.rest();
      talk.destroy();
      expect(lines[0]).toBe('+OK Isthmus POP3 ready');
      for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
      if (served.store.inbox('ada').length === 0) served.store.deliver('ada', 'a: b\r\n\r\nc\r\n');
    }),
    { seed: 110, numRuns: 150 },
  );
  await expect.poll(() => served.listener.connections).toBe(0);
  await enter(served);
}, 60_000);
