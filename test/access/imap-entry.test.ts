/** Before and around sign-in: capabilities, STARTTLS, LOGIN, AUTHENTICATE, errors, goodbyes. */
import { connect as connectTcp } from 'node:net';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { type ImapServer, imapServer, type ServerOptions } from './imap-server.ts';

const plain = (name: string, password: string): string =>
  Buffer.from(`\0${name}\0${password}`).toString('base64');

describe('without TLS', () => {
  let server: ImapServer;
  beforeAll(async () => {
    server = await imapServer({ limits: { connectionsPerNetwork: 0 } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('the greeting says what is offered', async () => {
    const { ImapTalk } = await import('./imap-talk.ts');
    const talk = ImapTalk.to(server.port);
    expect(await talk.greeting()).toMatch(
      /^\* OK \[CAPABILITY IMAP4rev2 IMAP4rev1 [^\]]*AUTH=PLAIN\] Isthmus/,
    );
  });

  test('AUTHENTICATE takes its answer with the command or after a challenge', async () => {
    const one = await server.connect();
    expect(await one.answer(`AUTHENTICATE PLAIN ${plain('ada', 'secret')}`)).toMatch(/^OK \[CAPABILITY/);
    const two = await server.connect();
    const tag = two.begin('AUTHENTICATE PLAIN');
    expect(await two.response()).toBe('+ ');
    two.write(`${plain('ada', 'secret')}\r\n`);
    expect((await two.until(tag)).at(-1)).toMatch(/^OK/);
  });

  test('AUTHENTICATE may be given up, and what is not base64 is not taken', async () => {
    const talk = await server.connect();
    const tag = talk.begin('AUTHENTICATE PLAIN');
    await talk.response();
    talk.write('*\r\n');
    expect(await talk.until(tag)).toEqual(['BAD Given up']);
    const again = talk.begin('AUTHENTICATE PLAIN');
    await talk.response();
    talk.write('nonsense!\r\n');
    expect((await talk.until(again)).at(-1)).toMatch(/^BAD/);
    expect(await talk.answer('AUTHENTICATE NTLM')).toMatch(/^NO/);
    expect(await talk.answer('NOOP')).toBe('OK Done');
  });

  test.each([
    ['ada', 'wrong', 'NO [AUTHENTICATIONFAILED] Authentication failed'],
    ['nobody', 'wrong', 'NO [AUTHENTICATIONFAILED] Authentication failed'],
    ['expired', 'secret', 'NO [EXPIRED] These credentials have expired'],
    ['away', 'secret', 'NO [UNAVAILABLE] This cannot be told at the moment'],
    ['stranger', 'secret', 'NO [AUTHORIZATIONFAILED] This is not permitted'],
  ])('LOGIN %s %s: %s', async (name, password, answer) => {
    const talk = await server.connect();
    expect(await talk.answer(`LOGIN ${name} ${password}`)).toBe(answer);
  });

  test('a password may stand in a literal, with words of any language', async () => {
    const talk = await server.connect();
    const tag = talk.begin('LOGIN ada {4}');
    expect(await talk.response()).toMatch(/^\+ /);
    talk.write('grüß\r\n');
    expect((await talk.until(tag)).at(-1)).toMatch(/^BAD/);
    expect(await talk.answer('LOGIN {3+}\r\nada {6+}\r\nsecret')).toMatch(/^OK/);
  });

  test('after five refusals the session ends', async () => {
    const talk = await server.connect();
    for (let count = 0; count < 4; count++) expect(await talk.answer('LOGIN ada no')).toMatch(/^NO/);
    talk.write('x LOGIN ada no\r\nx LOGIN ada secret\r\n');
    expect(await talk.rest()).toEqual([
      'x NO [AUTHENTICATIONFAILED] Authentication failed',
      '* BYE Too many refusals',
    ]);
  });

  test('what is not a command is answered with BAD, and fifty of them with BYE', async () => {
    const talk = await server.connect();
    expect(await talk.answer('FROBNICATE')).toMatch(/^BAD/);
    talk.write('\r\n');
    expect(await talk.response()).toMatch(/^\* BAD/);
    expect(await talk.answer('LOGIN ada')).toMatch(/^BAD/);
    for (let count = 0; count < 47; count++) talk.write('x FROBNICATE\r\n');
    expect((await talk.rest()).at(-1)).toMatch(/^\* BYE/);
  });

  test('a stranger is listened to less', async () => {
    const long = `"${'x'.repeat(50_000)}"`;
    const talk = await server.connect();
    expect(await talk.answer(`LOGIN ada ${long}`)).toMatch(/^BAD/);
    await talk.ok('LOGIN ada secret');
    expect(await talk.answer(`STATUS ${long} (MESSAGES)`)).toMatch(/^NO/);
  });

  test('states are kept apart', async () => {
    const talk = await server.connect();
    expect(await talk.answer('SELECT INBOX')).toMatch(/^BAD .*Sign in/);
    await talk.ok('LOGIN ada secret');
    expect(await talk.answer('LOGIN ada secret')).toMatch(/^BAD/);
    expect(await talk.answer('FETCH 1 FLAGS')).toMatch(/^BAD .*Select/);
    expect(await talk.answer('STARTTLS')).toMatch(/^BAD/);
  });

  test('UNAUTHENTICATE lets another user sign in, who sees none of what was enabled', async () => {
    const talk = await server.as('ada');
    await talk.ok('ENABLE IMAP4rev2');
    await talk.ok('SELECT INBOX');
    await talk.ok('UNAUTHENTICATE');
    expect(await talk.answer('FETCH 1 FLAGS')).toMatch(/^BAD/);
    await talk.ok('LOGIN bob secret');
    expect((await talk.ok('SELECT INBOX')).join()).toContain('RECENT');
  });

  test('ID exchanges names, ENABLE tells what is new', async () => {
    const talk = await server.as('ada');
    expect(await talk.ok('ID ("name" "test" "version" NIL)')).toEqual(['* ID ("name" "Isthmus")']);
    expect(await talk.ok('ENABLE QRESYNC X-NONSENSE')).toEqual(['* ENABLED QRESYNC']);
    expect(await talk.ok('ENABLE QRESYNC')).toEqual(['* ENABLED']);
  });

  test('COMPRESS deflates both directions, once', async () => {
    const socket = connectTcp(server.port, '127.0.0.1');
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(first.toString()).toMatch(/^\* OK/);
    socket.write('a COMPRESS DEFLATE\r\n');
    const second = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(second.toString()).toMatch(/^a OK/);
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
    deflate.pipe(socket);
    socket.pipe(inflate);
    let text = '';
    inflate.on('data', (chunk) => {
      text += chunk;
    });
    deflate.write('b LOGIN ada secret\r\nc COMPRESS DEFLATE\r\nd LOGOUT\r\n');
    await expect.poll(() => text).toMatch(/d OK/);
    expect(text).toContain('c NO [COMPRESSIONACTIVE]');
    expect(/b OK \[CAPABILITY ([^\]]*)/.exec(text)?.[1]).not.toContain('COMPRESS');
    socket.destroy();
  });

  test('commands that come together are answered in order', async () => {
    const talk = await server.as('ada');
    talk.write(Array.from({ length: 500 }, (_, index) => `n${index} NOOP\r\n`).join(''));
    for (let index = 0; index < 500; index++) expect(await talk.response()).toBe(`n${index} OK Done`);
  });
});

describe('with TLS', () => {
  let pem: Certificate;
  beforeAll(async () => {
    pem = await certificate(['imap.example.org']);
  });
  const start = (mode: 'optional' | 'required'): Promise<ImapServer> => {
    const options: ServerOptions = {
      listener: {
        tls: {
          mode,
          certificates: [{ cert: pem.cert, key: pem.key }],
          minVersion: 'TLSv1.2',
          clientCertificates: 'ignore',
        },
      },
    };
    return imapServer(options);
  };

  test('no password is taken before TLS where it is required', async () => {
    await using server = await start('required');
    const talk = await server.connect();
    const [capability = ''] = await talk.ok('CAPABILITY');
    expect(capability).toContain('STARTTLS');
    expect(capability).toContain('LOGINDISABLED');
    expect(capability).not.toContain('AUTH=');
    expect(await talk.answer('LOGIN ada secret')).toMatch(/^NO \[PRIVACYREQUIRED\]/);
    expect(await talk.answer('AUTHENTICATE PLAIN')).toMatch(/^NO \[PRIVACYREQUIRED\]/);
    expect(await talk.answer('STARTTLS')).toMatch(/^OK/);
    await talk.startTls();
    const [after = ''] = await talk.ok('CAPABILITY');
    expect(after).not.toContain('STARTTLS');
    expect(after).toContain('AUTH=PLAIN');
    expect(await talk.answer('LOGIN ada secret')).toMatch(/^OK/);
  });

  test('a command smuggled in behind STARTTLS is never carried out', async () => {
    await using server = await start('optional');
    const talk = await server.connect();
    talk.write('s STARTTLS\r\ni LOGIN ada secret\r\n');
    expect(await talk.response()).toMatch(/^s OK/);
    await talk.startTls();
    expect(await talk.say('NOOP')).toEqual(['OK Done']);
    expect(await talk.answer('SELECT INBOX')).toMatch(/^BAD .*Sign in/);
  });
});

test('idle clients are told goodbye, sooner before they sign in', async () => {
  await using server = await imapServer({ limits: { greetingTime: 100, idleTime: 60_000 } });
  const signedIn = await server.as('ada');
  const stranger = await server.connect();
  expect(await stranger.rest()).toEqual(['* BYE You were silent for too long']);
  expect(await signedIn.answer('NOOP')).toBe('OK Done');
});

test('a server that goes down says so, in IDLE too', async () => {
  await using server = await imapServer();
  const talk = await server.as('ada');
  const tag = talk.begin('IDLE');
  expect(await talk.response()).toMatch(/^\+ /);
  const drained = server.listener.drain(AbortSignal.timeout(5_000));
  expect((await talk.rest())[0]).toMatch(/^\* BYE \[UNAVAILABLE\]/);
  talk.end();
  await drained;
  expect(tag).toBeDefined();
});

test('sessions of one account are counted', async () => {
  await using server = await imapServer({ imap: { sessionsPerAccount: 2 } });
  const first = await server.as('ada');
  await server.as('ada');
  const third = await server.connect();
  expect(await third.answer('LOGIN ada secret')).toBe('NO [LIMIT] This account has too many sessions');
  await server.as('bob');
  await first.ok('LOGOUT');
  first.end();
  await expect.poll(() => third.answer('LOGIN ada secret')).toMatch(/^OK/);
});
