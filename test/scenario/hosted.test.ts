/**
 * scenario/hosted - people whose mailboxes are here: mail comes, is filtered, read, answered, and survives kills.
 */
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf, type Hosted, password, startHosted } from '../fixture/hosted.ts';
import { until } from '../peers/command.ts';
import { Talk } from '../receive/talk.ts';

let hosted: Hosted;
beforeAll(async () => {
  hosted = await startHosted();
  for (const name of ['hana', 'ivo']) await hosted.account(name);
}, 400_000);
afterAll(() => hosted.remove());

async function imap<T>(name: string, work: (flow: ImapFlow) => Promise<T>): Promise<T> {
  const flow = new ImapFlow({
    host: '127.0.0.1',
    port: hosted.ports.imap,
    secure: true,
    auth: { user: addressOf(name), pass: password },
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

/** Sources of all messages of one mailbox. */
const read = (name: string, mailbox: string): Promise<string[]> =>
  imap(name, async (flow) => {
    const lock = await flow.getMailboxLock(mailbox);
    try {
      const sources: string[] = [];
      if (flow.mailbox !== false && flow.mailbox.exists > 0) {
        for await (const { source } of flow.fetch('1:*', { source: true })) sources.push(`${source}`);
      }
      return sources;
    } finally {
      lock.release();
    }
  });

const arrived = (name: string, mailbox: string, text: string): Promise<unknown> =>
  until(
    `${text} in ${mailbox} of ${name}`,
    async () => (await read(name, mailbox)).some((one) => one.includes(text)),
    30_000,
  );

async function send(talk: Talk, from: string, to: string, message: string): Promise<string> {
  await talk.say(`MAIL FROM:<${from}>`);
  const taken = await talk.say(`RCPT TO:<${to}>`);
  if (!taken.startsWith('250')) return taken;
  await talk.say('DATA');
  return talk.say(`${message}.`);
}

async function fromOutside(to: string, message: string): Promise<string> {
  const talk = Talk.to(hosted.ports.mx);
  try {
    await talk.reply();
    await talk.say('EHLO outside.test');
    return await send(talk, 'walter@elsewhere.example', to, message);
  } finally {
    talk.destroy();
  }
}

describe('a mailbox here', () => {
  test('gets mail by the MX, whichever of its addresses is used, byte for byte', async () => {
    const message =
      'From: walter@elsewhere.example\r\nSubject: by the mx\r\n\r\n..dots\r\n\t8-bit: \u00e9\r\n';
    expect(await fromOutside('hana.alias@example.org', message.replace('..dots', '...dots'))).toMatch(
      /^250 /,
    );
    await arrived('hana', 'INBOX', 'by the mx');
    const [source] = (await read('hana', 'INBOX')).filter((one) => one.includes('by the mx'));
    expect(source).toMatch(/^Return-Path: <walter@elsewhere\.example>\r\nReceived: /);
    expect(source?.endsWith(message)).toBe(true);
  });

  test('has it when LMTP says 250, and strangers are refused there', async () => {
    const talk = Talk.to(hosted.ports.lmtp);
    await talk.reply();
    await talk.say('LHLO here.test');
    await talk.say('MAIL FROM:<walter@elsewhere.example>');
    expect(await talk.say(`RCPT TO:<${addressOf('ivo')}>`)).toMatch(/^250 /);
    expect(await talk.say('RCPT TO:<nobody@example.org>')).toMatch(/^550 5\.1\.1/);
    await talk.say('DATA');
    expect(await talk.say('Subject: by lmtp\r\n\r\nhello\r\n.')).toMatch(/^250 2\.0\.0 Ok: delivered /);
    expect((await read('ivo', 'INBOX')).some((one) => one.includes('by lmtp'))).toBe(true);
    talk.destroy();
  });

  test('is filtered by the script that its owner keeps', async () => {
    const talk = Talk.to(hosted.ports.sieve);
    await until('the greeting', async () => (await talk.line())?.startsWith('OK') === true, 10_000);
    talk.write('STARTTLS\r\n');
    expect(await talk.line()).toMatch(/^OK/);
    await talk.startTls({ servername: 'gateway.test' });
    while (!(await talk.line())?.startsWith('OK'));
    const plain = Buffer.from(`\0${addressOf('hana')}\0${password}`).toString('base64');
    talk.write(`AUTHENTICATE "PLAIN" "${plain}"\r\n`);
    while (!(await talk.line())?.startsWith('OK'));
    const script =
      'require ["fileinto", "mailbox"];\r\nif header :contains "subject" "lists" { fileinto :create "Lists"; }\r\n';
    talk.write(`PUTSCRIPT "main" {${script.length}+}\r\n${script}\r\nSETACTIVE "main"\r\n`);
    expect(await talk.line()).toMatch(/^OK/);
    expect(await talk.line()).toMatch(/^OK/);
    talk.destroy();
    expect(await fromOutside(addressOf('hana'), 'Subject: for lists\r\n\r\nx\r\n')).toMatch(/^250 /);
    await until(
      'the list mail',
      async () => (await read('hana', 'Lists').catch(() => [])).length === 1,
      30_000,
    );
  });

  test('sends by submission as itself and as nobody else', async () => {
    const talk = Talk.tls(hosted.ports.submission);
    await talk.reply();
    await talk.say('EHLO client.test');
    expect(await talk.say('MAIL FROM:<hana@example.org>')).toMatch(/^530 /);
    const plain = Buffer.from(`\0${addressOf('hana')}\0${password}`).toString('base64');
    expect(await talk.say(`AUTH PLAIN ${plain}`)).toMatch(/^235 /);
    expect(await talk.say('MAIL FROM:<ivo@example.org>')).toMatch(/^550 5\.7\.1/);
    const own = 'From: Hana <hana.alias@example.org>\r\nSubject: from hana\r\n\r\nhello ivo\r\n';
    expect(await send(talk, 'hana@example.org', addressOf('ivo'), own)).toMatch(/^250 /);
    expect(await send(talk, 'hana@example.org', addressOf('ivo'), own.replace('hana.alias', 'ivo'))).toMatch(
      /^550/,
    );
    await arrived('ivo', 'INBOX', 'from hana');
    const [source] = (await read('ivo', 'INBOX')).filter((one) => one.includes('from hana'));
    expect(source).toMatch(/\r\nMessage-ID: <[^>]+@gateway\.test>\r\nDate: /);
    talk.destroy();
  });

  test('is told at once, while it waits, of what comes', async () => {
    await imap('ivo', async (flow) => {
      await flow.mailboxOpen('INBOX');
      const news = new Promise<void>((resolve) => flow.on('exists', () => resolve()));
      void flow.idle();
      const started = Date.now();
      await fromOutside(addressOf('ivo'), 'Subject: while you wait\r\n\r\nx\r\n');
      await news;
      // Generous: a loaded machine; the promise is a second (issue of notices), a poll would take ten.
      expect(Date.now() - started).toBeLessThan(8_000);
    });
  });

  test('opens for its own password only, and a stranger learns nothing from the answer', async () => {
    const say = async (user: string, pass: string): Promise<string> => {
      const talk = Talk.tls(hosted.ports.imap);
      await talk.line();
      talk.write(`a LOGIN ${user} "${pass}"\r\n`);
      const answer = await talk.line();
      talk.destroy();
      return answer ?? '';
    };
    const wrong = await say(addressOf('hana'), 'wrong');
    const unknown = await say(addressOf('nobody'), 'wrong');
    expect(wrong).toMatch(/^a NO \[AUTHENTICATIONFAILED\]/);
    expect(unknown).toBe(wrong);
  });
});

test('what was promised while everything was killed is there, and the store is whole', async () => {
  const promised: string[] = [];
  let sent = 0;
  const load = async (stop: () => boolean): Promise<void> => {
    while (!stop()) {
      const mark = `survivor-${sent++}`;
      const answer = await Promise.race([
        fromOutside(addressOf('hana'), `Subject: ${mark}\r\n\r\n${'x'.repeat(200)}\r\n`).catch(() => ''),
        new Promise<string>((resolve) => setTimeout(() => resolve(''), 5_000)),
      ]);
      if (answer.startsWith('250')) promised.push(mark);
    }
  };
  for (let round = 0; round < 3; round++) {
    let over = false;
    const before = promised.length;
    const loads = [load(() => over), load(() => over)];
    await until('some promises', () => promised.length >= before + 15, 60_000);
    await hosted.gateway.kill();
    over = true;
    await Promise.all(loads);
    await hosted.gateway.start();
  }
  const missing = async (): Promise<string[]> => {
    const there = await read('hana', 'INBOX');
    return promised.filter((mark) => !there.some((one) => one.includes(`Subject: ${mark}\r\n`)));
  };
  await until('all that was promised', async () => (await missing()).length === 0, 90_000).catch(() => {});
  expect(await missing()).toEqual([]);
  const check = await hosted.gateway.isthmus('fsck', '--deep');
  expect(check.stdout + check.stderr).toMatch(/./);
  expect(check.code, check.stdout).toBe(0);
}, 300_000);
