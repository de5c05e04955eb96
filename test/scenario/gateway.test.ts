/**
 * scenario/gateway - every recipient to the right place, between peers that nobody here wrote.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { privateServerUrl } from '../../src/state/private-server.ts';
import { listener, startGateway } from '../fixture/gateway.ts';
import { SmtpClient } from '../peers/client.ts';
import { swaks } from '../peers/clients.ts';
import { until } from '../peers/command.ts';
import { describeWith } from '../peers/need.ts';
import { reader } from '../peers/openldap.ts';
import { type Delivered, freePort, type Postfix } from '../peers/postfix.ts';
import { foundTown, moved, type Town, townPackages } from './town.ts';

/** Deliveries of the message with this subject. */
const withSubject = (all: readonly Delivered[], subject: string): readonly Delivered[] =>
  all.filter(({ content }) => content.includes(`Subject: ${subject}\r\n`));

const arrived = (peer: Postfix, subject: string, count = 1): Promise<readonly Delivered[]> =>
  until(
    `${count} of "${subject}"`,
    async () => {
      const found = withSubject(await peer.delivered(), subject);
      return found.length >= count && found;
    },
    30_000,
    100,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${(await peer.log()).split('\n').slice(-15).join('\n')}`);
  });

const message = (subject: string, to: string): string =>
  `From: Sender <sender@elsewhere.test>\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@elsewhere.test>\r\n\r\nbody\r\n`;

const to = (mails: readonly Delivered[]): string[] => mails.map(({ recipient }) => recipient).sort();

await describeWith(townPackages, 'the gateway between two Postfix and OpenLDAP', () => {
  let town: Town;
  beforeAll(async () => {
    town = await foundTown();
  });
  afterAll(async () => {
    await town?.close();
  });

  const send = (subject: string, recipients: readonly string[]) =>
    swaks({
      port: town.port,
      from: 'sender@elsewhere.test',
      to: recipients,
      data: message(subject, recipients.join(', ')),
    });

  test('mixed recipients: each copy at the right place, with only its recipients', async () => {
    const sent = await send('mixed', ['ada@example.org', 'bob@example.org', 'cy.alias@example.org']);
    expect(sent.code, sent.stdout).toBe(0);
    expect(to(await arrived(town.onprem, 'mixed'))).toEqual(['ada@example.org']);
    expect(to(await arrived(town.cloud, 'mixed', 2))).toEqual(['bob@tenant.test', 'cy@tenant.test']);
    const [copy] = withSubject(await town.cloud.delivered(), 'mixed');
    expect(copy?.content.toString()).not.toContain('ada@example.org>;');
  });

  test('a stranger is refused at RCPT while the others are taken', async () => {
    const sent = await send('stranger', ['nowhere@example.org', 'ada@example.org']);
    expect(sent.stdout).toMatch(/<\*\* 550 5\.1\.1 /);
    expect(to(await arrived(town.onprem, 'stranger'))).toEqual(['ada@example.org']);
  });

  test('a client that may not relay cannot', async () => {
    const from = 'sender@elsewhere.test';
    const sent = await swaks({ port: town.port, from, to: ['someone@elsewhere.test'] });
    expect(sent.stdout).toMatch(/<\*\* 550 5\.7\.1 /);
  });

  test('a group reaches its members in both places', async () => {
    expect((await send('group', ['team@example.org'])).code).toBe(0);
    expect(to(await arrived(town.onprem, 'group'))).toEqual(['ada@example.org']);
    expect(to(await arrived(town.cloud, 'group'))).toEqual(['bob@tenant.test']);
  });

  test('ORCPT and ENVID survive the rewriting: the peer reports success in their terms', async () => {
    const client = await SmtpClient.open(town.port);
    const sent = await client.send({
      from: 'ada@example.org',
      to: ['bob@example.org'],
      mailParameters: 'RET=HDRS ENVID=envelope+2Bseven',
      rcptParameters: 'NOTIFY=SUCCESS ORCPT=rfc822;bob.first@example.org',
      content: Buffer.from(message('orcpt', 'bob@example.org')),
    });
    await client.quit();
    expect(sent.answer.code, sent.answer.text).toBe(250);
    // The cloud's Postfix keeps the report, since it takes mail for example.org too.
    const report = await until(
      'the report of success',
      async () =>
        (await town.cloud.delivered()).find(
          ({ sender, content }) => sender === '' && content.includes('orcpt@elsewhere.test'),
        ),
      30_000,
    );
    const text = report.content.toString();
    expect(text).toMatch(/^Original-Envelope-Id: envelope\+seven\r$/m);
    expect(text).toMatch(/^Final-Recipient: rfc822; ?bob@tenant\.test\r$/m);
    expect(text).toMatch(/^Original-Recipient: rfc822; ?bob\.first@example\.org\r$/m);
    expect(text).toMatch(/^Action: delivered\r$/m);
  });

  test('a recipient that its site refuses for good is reported to the sender', async () => {
    const sent = await swaks({
      port: town.port,
      from: 'ada@example.org',
      to: ['full@example.org', 'bob@example.org'],
      data: message('full', 'full@example.org'),
    });
    expect(sent.code, sent.stdout).toBe(0);
    await arrived(town.cloud, 'full');
    const report = await until(
      'the report to ada',
      async () =>
        (await town.onprem.delivered()).find(
          ({ sender, content }) => sender === '' && content.includes('full@example.org'),
        ),
      30_000,
    );
    const text = report.content.toString();
    expect(report.recipient).toBe('ada@example.org');
    expect(text).toMatch(/^Content-Type: multipart\/report;\s+report-type="?delivery-status/im);
    expect(text).toMatch(/^Final-Recipient: rfc822; ?full@example\.org\r$/m);
    expect(text).toMatch(/^Action: failed\r$/m);
    expect(text).toMatch(/^Status: 5\.2\.2\r$/m);
    expect(text).not.toContain('bob@');
  });

  test('a message that has been here too often is refused as a loop', async () => {
    const hops = Array.from(
      { length: 60 },
      (_, hop) => `Received: from h${hop}.test by h${hop + 1}.test; Mon, 23 Nov 2026 09:00:00 +0000\r\n`,
    );
    const client = await SmtpClient.open(town.port);
    const content = Buffer.from(hops.join('') + message('loop', 'ada@example.org'));
    const sent = await client.send({ from: 'a@elsewhere.test', to: ['ada@example.org'], content });
    await client.quit();
    expect(sent.answer.text).toMatch(/^554 5\.4\.6 /);
  });

  test('the trace tells the whole story, with reasons', async () => {
    const told = await town.gateway.isthmus('trace', '--message-id', '<mixed@elsewhere.test>', '--json');
    const rows = told.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { event: string; recipient?: string; because: readonly string[] });
    const events = rows.map(({ event }) => event);
    expect(events[0], told.stderr).toBe('accepted');
    expect(events.filter((event) => event === 'delivered')).toHaveLength(3);
    expect(events.at(-1)).toBe('done');
    expect(rows.flatMap(({ because }) => because).join('\n')).toContain('cloud');
  });

  test('someone who moves in LDAP gets the next message at the new place', async () => {
    await town.ldap.modify(moved('cy', 'onprem'));
    await until(
      'the directory to know of the move',
      async () => {
        const told = await town.gateway.isthmus('route', 'explain', 'cy@example.org');
        return told.stdout.includes('onprem');
      },
      30_000,
      500,
    );
    expect((await send('moved', ['cy@example.org'])).code).toBe(0);
    expect(to(await arrived(town.onprem, 'moved'))).toEqual(['cy@example.org']);
  });

  test('what a site cannot take now waits, and goes when it can; nothing comes twice', async () => {
    await town.cloud.stop();
    const sent = await send('waiting', ['ada@example.org', 'bob@example.org']);
    expect(sent.code, sent.stdout).toBe(0);
    expect(to(await arrived(town.onprem, 'waiting'))).toEqual(['ada@example.org']);
    await until('the copy for the cloud to be deferred', async () => {
      const queue = await town.gateway.json<readonly { recipients: readonly { attempts: number }[] }[]>(
        'queue',
        'list',
      );
      return queue.some(({ recipients }) => recipients.some(({ attempts }) => attempts > 0));
    });
    await town.cloud.start();
    const retried = await town.gateway.isthmus('queue', 'retry', '--all', '--yes');
    expect(retried.code, retried.stderr).toBe(0);
    expect(to(await arrived(town.cloud, 'waiting'))).toEqual(['bob@tenant.test']);
    expect(withSubject(await town.onprem.delivered(), 'waiting')).toHaveLength(1);
  });

  test('a restart without LDAP routes as before', async () => {
    await town.gateway.stop();
    await town.ldap.kill();
    await town.gateway.start();
    const sent = await send('without ldap', ['ada@example.org', 'bob@example.org']);
    expect(sent.code, sent.stdout).toBe(0);
    expect(to(await arrived(town.onprem, 'without ldap'))).toEqual(['ada@example.org']);
    expect(to(await arrived(town.cloud, 'without ldap'))).toEqual(['bob@tenant.test']);
    expect((await send('stranger without ldap', ['nowhere@example.org'])).stdout).toMatch(/550 5\.1\.1 /);
    await town.ldap.start();
  });

  test('two nodes on one database share the spool and deliver nothing twice', {
    timeout: 120_000,
  }, async () => {
    const port = await freePort();
    const second = await startGateway({
      config: {
        ...town.config,
        listeners: [listener('mx', port)],
        database: { url: privateServerUrl(`${town.gateway.folder}/data`) },
        blobs: { kind: 'files', folder: `${town.gateway.folder}/data/blobs` },
      },
      env: { LDAP_PASSWORD: reader.password },
    });
    try {
      await Promise.all([sendMany(town.port, 'first', 100), sendMany(port, 'second', 100)]);
      const wanted = 200;
      const mine = (mails: readonly Delivered[]) =>
        mails.filter(({ content }) => /^Subject: (first|second)-\d+\r$/m.test(content.toString('latin1')));
      await until(
        'all of them',
        async () =>
          mine(await town.onprem.delivered()).length >= wanted &&
          mine(await town.cloud.delivered()).length >= wanted,
        60_000,
        200,
      );
      await until('an empty queue', async () => {
        const { messages } = await second.json<{ messages: number }>('queue', 'summary');
        return messages === 0;
      });
      for (const peer of [town.onprem, town.cloud]) {
        const subjects = mine(await peer.delivered()).map(
          ({ content }) => /^Subject: (\S+)\r$/m.exec(content.toString('latin1'))?.[1],
        );
        expect(subjects).toHaveLength(wanted);
        expect(new Set(subjects).size).toBe(wanted);
      }
    } finally {
      await second.remove();
    }
  });

  async function sendMany(port: number, label: string, count: number): Promise<void> {
    const client = await SmtpClient.open(port);
    for (let number = 0; number < count; number += 1) {
      const content = Buffer.from(message(`${label}-${number}`, 'ada@example.org'));
      const recipients = ['ada@example.org', 'bob@example.org'];
      const sent = await client.send({ from: 'a@elsewhere.test', to: recipients, content });
      expect(sent.answer.code, sent.answer.text).toBe(250);
    }
    await client.quit();
  }
});
