import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Senders } from '../../src/ports/senders.ts';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { onePassword } from '../fixture/authenticator.ts';
import { certificate } from '../fixture/tls.ts';
import { type Changes, type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

const open: { close?: () => unknown; destroy?: () => void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await (one.close?.() ?? one.destroy?.());
});

const senders: Senders = {
  mayUse: async (account, { text }) =>
    text === account ? 'own' : text === 'info@example.org' ? 'delegated' : undefined,
};

const plain = Buffer.from('\0ada@example.org\0secret').toString('base64');

async function signedIn(changes: Changes = {}): Promise<{ talk: Talk; deps: Fakes; listener: Listener }> {
  const made = await certificate(['mx.example.org']);
  const deps = fakes({
    authenticator: onePassword('secret'),
    senders,
  });
  const certificates = [
    { cert: readFileSync(made.cert, 'utf8'), key: readFileSync(made.key, 'utf8'), names: [] },
  ];
  const listener = await startListener(
    listenerOptions({ protocol: 'submission', tls: { mode: 'implicit', certificates }, ...changes }),
    deps,
  );
  open.push(listener);
  const talk = Talk.tls(listener.port);
  open.push(talk);
  expect(await talk.reply()).toMatch(/^220 /);
  await talk.say('EHLO me');
  expect(await talk.say(`AUTH PLAIN ${plain}`)).toMatch(/^235 /);
  return { talk, deps, listener };
}

async function send(talk: Talk, header: string, sender = 'ada@example.org'): Promise<string> {
  const begun = await talk.say(`MAIL FROM:<${sender}>`);
  if (!begun.startsWith('250')) return begun;
  await talk.say('RCPT TO:<bob@example.org>');
  await talk.say('DATA');
  return talk.say(`${header}\r\nhello\r\n.`);
}

const whole = 'Date: Sun, 29 Nov 2026 02:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n';

describe('a submission', () => {
  test.each([
    ['From: Ada <ada@example.org>\r\n'],
    ['From: info@example.org\r\nSender: ada@example.org\r\n'],
    ['From: "Team": ada@example.org, info@example.org;\r\n'],
  ])('goes out with %j', async (header) => {
    const { talk, deps } = await signedIn();
    expect(await send(talk, whole + header)).toMatch(/^250 /);
    expect(deps.spool.kept).toHaveLength(1);
    expect(deps.spool.kept[0]?.lacking).toBeUndefined();
  });

  test.each([
    ['From: boss@example.org\r\n', /^550 5\.7\.1 .*not owned/],
    ['From: ada@example.org, boss@example.org\r\n', /^550 5\.7\.1/],
    ['From: ada@example.org\r\nSender: boss@example.org\r\n', /^550 5\.7\.1/],
    ['From: ada@example.org\r\nFrom: boss@example.org\r\n', /^554 5\.6\.0 .*two From/],
    ['From: ada@example.org\r\nSender: ada@example.org\r\nSender: boss@example.org\r\n', /^554 5\.6\.0/],
    ['Subject: nobody\r\n', /^554 5\.6\.0 .*no From/],
    ['From: Ada\r\n', /^554 5\.6\.0 .*cannot be read/],
    [`From: ${Array.from({ length: 30 }, () => 'ada@example.org').join(', ')}\r\n`, /^554 5\.6\.0/],
  ])('is refused with %j', async (header, reply) => {
    const { talk, deps } = await signedIn();
    expect(await send(talk, whole + header)).toMatch(reply);
    expect(deps.spool.kept).toHaveLength(0);
  });

  test('is refused at MAIL when the envelope is of somebody else', async () => {
    const { talk } = await signedIn();
    expect(await send(talk, whole, 'boss@example.org')).toMatch(/^550 5\.7\.1/);
    expect(await send(talk, `${whole}From: info@example.org\r\n`, 'info@example.org')).toMatch(/^250 /);
  });

  test('with the null sender is taken, for receipts, and its author is looked at', async () => {
    const { talk } = await signedIn();
    expect(await send(talk, `${whole}From: ada@example.org\r\n`, '')).toMatch(/^250 /);
    expect(await send(talk, `${whole}From: boss@example.org\r\n`, '')).toMatch(/^550 /);
  });

  test('without Date and Message-ID gets them, below our trace and above the rest', async () => {
    const { talk, deps } = await signedIn();
    await send(talk, 'From: ada@example.org\r\n');
    const [kept] = deps.spool.kept;
    const id = `<${kept?.id}@mx.example.org>`;
    const lacking = Buffer.from(kept?.lacking ?? []).toString();
    expect(lacking).toMatch(
      /^Message-ID: <Q\d+@mx\.example\.org>\r\nDate: \w{3}, \d+ \w{3} \d{4} [\d:]{8} \+0000\r\n$/,
    );
    expect(lacking).toContain(id);
    expect(kept?.facts.messageId).toBe(id);
    expect(kept?.content.toString()).toBe('From: ada@example.org\r\n\r\nhello\r\n');
  });

  test('keeps what it has of the two', async () => {
    const { talk, deps } = await signedIn();
    await send(talk, 'From: ada@example.org\r\nMessage-ID: <mine@example.org>\r\n');
    expect(Buffer.from(deps.spool.kept[0]?.lacking ?? []).toString()).toMatch(/^Date: [^\r]+\r\n$/);
    expect(deps.spool.kept[0]?.facts.messageId).toBe('<mine@example.org>');
  });

  test('may have any author where the listener says so, never any envelope', async () => {
    const { talk } = await signedIn({ from: 'ignore' });
    expect(await send(talk, `${whole}From: boss@example.org\r\n`)).toMatch(/^250 /);
    expect(await send(talk, whole, 'boss@example.org')).toMatch(/^550 /);
  });
});

test('mail that is no submission goes without all that', async () => {
  const deps = fakes({ senders });
  const listener = await startListener(listenerOptions({}), deps);
  open.push(listener);
  const talk = Talk.to(listener.port);
  open.push(talk);
  await talk.reply();
  await talk.say('EHLO me');
  expect(await send(talk, 'From: boss@example.org\r\n', 'boss@example.org')).toMatch(/^250 /);
  expect(deps.spool.kept[0]?.lacking).toBeUndefined();
});
