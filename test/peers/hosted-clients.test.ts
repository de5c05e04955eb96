/**
 * A person whose mailbox is here, with the programs she has: msmtp, swaks and NeoMutt send by submission, as herself and
 * as nobody else, and NeoMutt reads, files and answers what came.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ImapTalk } from '../access/imap-talk.ts';
import { addressOf, type Hosted, password, startHosted } from '../fixture/hosted.ts';
import { certificate } from '../fixture/tls.ts';
import { swaks } from './clients.ts';
import { command, type Ended, until } from './command.ts';
import { describeWith } from './need.ts';
import { program } from './packages.ts';
import { freePort } from './postfix.ts';

const [hana, ivo] = [addressOf('hana'), addressOf('ivo')];
const needed = ['msmtp', 'swaks', 'libnet-ssleay-perl', 'neomutt', 'openssl'];

await describeWith(needed, 'a person here with programs of other people', () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-person-'));
  const ports = { implicit: 0, starting: 0 };
  let hosted: Hosted;
  beforeAll(async () => {
    ports.implicit = await freePort();
    ports.starting = await freePort();
    const { cert, key } = await certificate(['gateway.test', 'localhost']);
    const door = (port: number, mode: string) => ({
      ...{ name: mode, address: '127.0.0.1', port, protocol: 'submission', reverseName: '0s' },
      tls: { mode, certificates: [{ cert, key }] },
    });
    hosted = await startHosted({
      listeners: [door(ports.implicit, 'implicit'), door(ports.starting, 'required')],
    });
    for (const name of ['hana', 'ivo']) await hosted.account(name);
  }, 400_000);
  afterAll(async () => {
    await hosted.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Whole messages of a mailbox; none when there is no such mailbox. */
  async function mails(name: string, mailbox: string): Promise<string[]> {
    const talk = ImapTalk.tls(hosted.ports.imap);
    try {
      await talk.greeting();
      await talk.ok(`LOGIN ${addressOf(name)} "${password}"`);
      if (!(await talk.answer(`EXAMINE ${mailbox}`)).startsWith('OK')) return [];
      return (await talk.ok('UID FETCH 1:* (FLAGS BODY.PEEK[])')).filter((one) => one.includes('BODY[]'));
    } finally {
      talk.end();
    }
  }

  const come = (name: string, mailbox: string, text: string): Promise<string> =>
    until(
      `${text} in ${mailbox} of ${name}`,
      async () => (await mails(name, mailbox)).find((one) => one.includes(text)),
      30_000,
      200,
    );

  const message = (subject: string, from = hana): string =>
    `From: ${from}\nTo: ${ivo}\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(' ', '.')}@example.org>\n\n.\n..\nhello\n`;

  function msmtp(
    tls: 'implicit' | 'starting',
    sender: string,
    text: string,
    pass = password,
  ): Promise<Ended> {
    const rc = join(folder, 'msmtprc');
    const lines = [
      `account default\nhost localhost\nport ${ports[tls]}\ntls on\ntls_trust_file ${hosted.ca}`,
      `tls_starttls ${tls === 'implicit' ? 'off' : 'on'}`,
      `auth plain\nuser ${hana}\npassword "${pass}"\nfrom ${sender}`,
    ];
    writeFileSync(rc, `${lines.join('\n')}\n`, { mode: 0o600 });
    return command(program('msmtp'), ['-C', rc, ivo], { input: text, env: { HOME: folder } });
  }

  test.each(['implicit', 'starting'] as const)(
    'msmtp sends as her (TLS %s)',
    async (tls) => {
      const subject = `by msmtp ${tls}`;
      const ended = await msmtp(tls, hana, message(subject));
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      const came = await come('ivo', 'INBOX', `Subject: ${subject}\r\n`);
      expect(came).toContain('\r\n\r\n.\r\n..\r\nhello\r\n');
      expect(came).toMatch(/Received: .*with ESMTPSA /s);
    },
    60_000,
  );

  test('msmtp is told that she is not somebody else, and of a wrong password', async () => {
    const envelope = await msmtp('implicit', ivo, message('as ivo', ivo));
    expect(envelope.code).not.toBe(0);
    expect(envelope.stderr).toMatch(/550 5\.7\.1/);
    const header = await msmtp('implicit', hana, message('as ivo', ivo));
    expect(header.code).not.toBe(0);
    expect(header.stderr).toMatch(/550 5\.7\.1/);
    const wrong = await msmtp('starting', hana, message('wrong'), 'wrong');
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(/535 5\.7\.8/);
    expect((await mails('ivo', 'INBOX')).filter((one) => /as ivo|wrong/.test(one))).toEqual([]);
  }, 60_000);

  const door = (tls: 'implicit' | 'starting'): string[] => [
    ...[tls === 'implicit' ? '--tls-on-connect' : '--tls', '--tls-verify', '--tls-ca-path', hosted.ca],
  ];
  const asHana = (mechanism: string): string[] => [
    ...['--auth', mechanism, '--auth-user', hana, '--auth-password', password],
  ];

  test.each([
    ['implicit', 'PLAIN'],
    ['implicit', 'LOGIN'],
    ['starting', 'PLAIN'],
    ['starting', 'LOGIN'],
  ] as const)(
    'swaks sends as her (TLS %s, %s)',
    async (tls, mechanism) => {
      const subject = `by swaks ${tls} ${mechanism}`;
      const mail = { port: ports[tls], from: hana, to: [ivo], data: message(subject) };
      const ended = await swaks({ ...mail, more: [...door(tls), ...asHana(mechanism)] });
      expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
      await come('ivo', 'INBOX', `Subject: ${subject}\r\n`);
    },
    60_000,
  );

  test('swaks is refused without TLS, without a name, and as somebody else', async () => {
    const mail = { from: hana, to: [ivo], data: message('refused') };
    const clear = await swaks({ ...mail, port: ports.starting, more: asHana('PLAIN') });
    expect(clear.code).not.toBe(0);
    expect(clear.stdout).not.toMatch(/^<-\s+250[ -]AUTH/m);
    const nobody = await swaks({ ...mail, port: ports.starting, more: door('starting') });
    expect(nobody.code).not.toBe(0);
    expect(nobody.stdout).toMatch(/^<~\* 530 5\.7\.0/m);
    const other = { ...mail, from: ivo, port: ports.implicit };
    const foreign = await swaks({ ...other, more: [...door('implicit'), ...asHana('PLAIN')] });
    expect(foreign.code).not.toBe(0);
    expect(foreign.stdout).toMatch(/^<~\* 550 5\.7\.1/m);
  }, 60_000);

  /** What NeoMutt is told by its file; `name` uses it. */
  function neomuttrc(name: string, more: string): string {
    const rc = join(folder, `neomuttrc-${name}`);
    const imap = `imaps://localhost:${hosted.ports.imap}`;
    const lines = [
      `set imap_user="${addressOf(name)}" imap_pass="${password}"`,
      `set folder="${imap}/" spoolfile="${imap}/INBOX" record="${imap}/Sent" postponed="${imap}/Drafts"`,
      `set smtp_url="smtps://${addressOf(name).replace('@', '%40')}@localhost:${ports.implicit}/"`,
      `set smtp_pass="${password}" smtp_authenticators="plain" from="${addressOf(name)}" realname="${name}"`,
      `set ssl_ca_certificates_file="${hosted.ca}" certificate_file="${hosted.ca}" ssl_force_tls=yes`,
      'set imap_condstore=yes imap_qresync=yes confirmappend=no confirmcreate=no delete=yes quit=yes move=no',
      'set autoedit=yes fast_reply=yes editor=true abort_unmodified=no include=yes recall=no wait_key=no',
      `set sort=date header_cache="${join(folder, `headers-${name}`)}"`,
    ];
    writeFileSync(rc, `${lines.join('\n')}\n${more}\n`, { mode: 0o600 });
    return rc;
  }

  const env = { HOME: folder, TERM: 'xterm' };

  test('NeoMutt sends as her', async () => {
    const rc = neomuttrc('hana', 'set copy=no');
    const args = ['-F', rc, '-s', 'by-neomutt', '--', ivo];
    const ended = await command(program('neomutt'), args, { input: 'gr\u00fc\u00dfe\n', env });
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect(await come('ivo', 'INBOX', 'Subject: by-neomutt\r\n')).toContain(
      'From: hana <hana@example.org>\r\n',
    );
  }, 60_000);

  test('NeoMutt answers it, keeps the answer in Sent and files the question', async () => {
    const keys = '<reply><send-message><save-message>=Archive<enter><limit>all<enter><quit>';
    const rc = neomuttrc('ivo', `set copy=yes\npush "<limit>~s by-neomutt<enter>${keys}"`);
    // A terminal that nobody looks at.
    const args = ['-qec', `${program('neomutt')} -F ${rc}`, '/dev/null'];
    const ended = await command(program('script'), args, { env });
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    const answer = 'Subject: Re: by-neomutt\r\n';
    expect(await come('hana', 'INBOX', answer)).toMatch(/\r\nIn-Reply-To: <\S+>\r\n/);
    expect(await come('ivo', 'Sent', answer)).toMatch(/FLAGS \([^)]*\\Seen/);
    const filed = await come('ivo', 'Archive', 'Subject: by-neomutt\r\n');
    expect(filed).toMatch(/FLAGS \([^)]*\\Answered/);
    expect((await mails('ivo', 'INBOX')).filter((one) => one.includes('by-neomutt'))).toEqual([]);
  }, 60_000);
});
