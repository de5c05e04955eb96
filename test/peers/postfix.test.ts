/**
 * peers/postfix - the peers themselves, before anything is proved with them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorityFile, certificate, fingerprint } from '../fixture/tls.ts';
import { smtpSink, smtpSource, swaks } from './clients.ts';
import { describeWith } from './need.ts';
import { type Postfix, startPostfix } from './postfix.ts';

await describeWith(['postfix', 'swaks', 'libnet-ssleay-perl', 'openssl'], 'Postfix peers', () => {
  let cloud: Postfix;
  let onprem: Postfix;
  beforeAll(async () => {
    const server = await certificate(['cloud.test']);
    const client = await certificate(['gateway.test']);
    [cloud, onprem] = await Promise.all([
      startPostfix({
        hostname: 'cloud.test',
        domains: ['cloud.test'],
        tls: {
          certificate: server,
          require: true,
          clients: { ca: await authorityFile(), fingerprints: [await fingerprint(client)] },
        },
      }),
      startPostfix({
        hostname: 'onprem.test',
        domains: ['onprem.test'],
        answers: { 'full@onprem.test': '452 4.2.2 Mailbox full' },
      }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([cloud?.remove(), onprem?.remove()]);
  });

  test('the on-prem host delivers what it was given, below trace fields', async () => {
    const data = 'Subject: one\r\n\r\n.dot\r\nlast\r\n';
    const to = ['ada@onprem.test', 'full@onprem.test'];
    const sent = await swaks({ port: onprem.port, from: 'a@b.test', to, data });
    expect(sent.stdout).toMatch(/452 4\.2\.2 <full@onprem\.test>: Recipient address rejected: Mailbox full/);
    const [mail] = await onprem.waitFor(1);
    expect(mail).toMatchObject({ sender: 'a@b.test', recipient: 'ada@onprem.test' });
    expect(mail?.content.toString()).toMatch(/^Received: [\s\S]*\r\nSubject: one\r\n\r\n\.dot\r\nlast\r\n/);
  });

  test('the cloud border wants TLS and the certificate that it knows', async () => {
    const mail = { port: cloud.port, from: 'a@b.test', to: ['bob@cloud.test'] };
    const stranger = await certificate(['stranger.test']);
    const known = await certificate(['gateway.test']);
    const shows = (who: typeof known) => ['--tls', '--tls-cert', who.cert, '--tls-key', who.key];
    expect((await swaks(mail)).stdout).toMatch(/530 5\.7\.0 Must issue a STARTTLS/);
    expect((await swaks({ ...mail, more: shows(stranger) })).stdout).toMatch(/554 5\.7\.1 .*Access denied/);
    expect((await swaks({ ...mail, more: shows(known) })).code).toBe(0);
    expect(await cloud.waitFor(1)).toHaveLength(1);
  });

  test('smtp-source through a relaying Postfix fills the sink to the last message', async () => {
    const sink = await smtpSink(40);
    const relay = await startPostfix({ relayHost: `[127.0.0.1]:${sink.port}` });
    try {
      const load = { messages: 40, sessions: 4, size: 1024, keep: true };
      await smtpSource({ port: relay.port, from: 'a@b.test', to: 'c@d.test', ...load });
      await sink.full;
    } finally {
      sink.close();
      await relay.remove();
    }
  });
});
