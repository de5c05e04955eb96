/**
 * ManageSieve when things go wrong, or are many.
 */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { readResponses } from '../../protocol/managesieve/read-responses.ts';
import { ScramClient } from '../../protocol/sasl-client.ts';
import { Talk } from '../../receive/talk.ts';
import { type Served, type SieveGround, serveManageSieve } from './serve.ts';

const open: { destroy?(): void; close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    one.destroy?.();
    await one.close?.();
  }
});

async function serve(ground: SieveGround = {}): Promise<Served> {
  const served = await serveManageSieve({ plaintext: true, ...ground });
  open.push(served.listener);
  return served;
}

/** Behind the greeting. */
async function dial(served: Served): Promise<Talk> {
  const talk = Talk.to(served.listener.port);
  open.push(talk);
  await greeting(talk);
  return talk;
}

async function greeting(talk: Talk): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await talk.line(); line !== undefined; line = await talk.line()) {
    lines.push(line);
    if (line.startsWith('OK')) return lines;
  }
  throw new Error('no greeting');
}

const say = (talk: Talk, line: string) => talk.write(`${line}\r\n`).line();

const plain = (name: string, password: string) =>
  `AUTHENTICATE "PLAIN" "${Buffer.from(`\0${name}\0${password}`).toString('base64')}"`;

async function enter(served: Served): Promise<Talk> {
  const talk = await dial(served);
  expect(await say(talk, plain('ada', 'secret'))).toBe('OK "Welcome"');
  return talk;
}

test('the last word of SCRAM comes with OK', async () => {
  const served = await serve({ plaintext: false });
  const talk = await dial(served);
  const client = new ScramClient({ name: 'ada', password: 'secret' });
  const first = await say(talk, `AUTHENTICATE "SCRAM-SHA-256" "${client.first().toString('base64')}"`);
  const final = client.final(Buffer.from(first?.slice(1, -1) ?? '', 'base64'));
  const last = await say(talk, `"${final.toString('base64')}"`);
  const word = /^OK \(SASL "([^"]*)"\) "Welcome"$/.exec(last ?? '')?.[1];
  expect(client.trusts(Buffer.from(word ?? '', 'base64'))).toBe(true);
  expect(await say(talk, 'LISTSCRIPTS')).toBe('OK');
});

test('a wrong password in SCRAM gets no last word', async () => {
  const served = await serve();
  const talk = await dial(served);
  const client = new ScramClient({ name: 'ada', password: 'wrong' });
  const first = await say(talk, `AUTHENTICATE "SCRAM-SHA-256" "${client.first().toString('base64')}"`);
  const final = client.final(Buffer.from(first?.slice(1, -1) ?? '', 'base64'));
  expect(await say(talk, `"${final.toString('base64')}"`)).toBe('NO "Name or password are wrong"');
});

test('TLS may be there from the first octet', async () => {
  const served = await serve({ tls: 'implicit' });
  const talk = Talk.tls(served.listener.port, { servername: 'mail.example.org' });
  open.push(talk);
  expect(await greeting(talk)).not.toContain('"STARTTLS"');
  expect(await say(talk, plain('ada', 'secret'))).toBe('OK "Welcome"');
  expect(served.people.channels[0]).toMatchObject({ service: 'sieve', tls: true });
});

test('what was sent in the clear behind STARTTLS is not obeyed', async () => {
  const served = await serve();
  const talk = await dial(served);
  talk.write(`STARTTLS\r\n${plain('ada', 'secret')}\r\nPUTSCRIPT "x" {100+}\r\nabc`);
  expect(await talk.line()).toBe('OK "Begin TLS"');
  await talk.startTls({ servername: 'mail.example.org' });
  await greeting(talk);
  expect(await say(talk, 'NOOP "x"')).toBe('OK (TAG "x") "Here"');
  expect(served.people.channels).toHaveLength(0);
});

test.each([
  ['tooMany', 'NO (TRYLATER) "Too many failures"'],
  ['unavailable', 'NO (TRYLATER) "Sign-in is not possible now"'],
  ['tlsRequired', 'NO (ENCRYPT-NEEDED) "Say STARTTLS first: passwords need TLS"'],
  ['notPermitted', 'NO "Not permitted to this account"'],
] as const)('a sign-in refused because it is %s is answered with %s', async (wall, answer) => {
  const served = await serve();
  served.people.wall = wall;
  expect(await say(await dial(served), plain('ada', 'secret'))).toBe(answer);
});

test('a store that is away is told so, and the session goes on', async () => {
  const served = await serve();
  const talk = await enter(served);
  served.scripts.list = async () => {
    throw new Error('the database is away');
  };
  expect(await say(talk, 'LISTSCRIPTS')).toBe('NO (TRYLATER) "Trouble of ours"');
  expect(await say(talk, 'PUTSCRIPT "x" "keep;"')).toBe('OK');
});

test('a quota that is found only when the script is put is told as one', async () => {
  const served = await serve({ options: { scriptSize: 4_000 } });
  served.scripts.room = async (_account, _name, size) => (size > 2_000 ? 'quota' : 'room');
  const talk = await enter(served);
  expect(await say(talk, `HAVESPACE "x" 2001`)).toBe('NO (QUOTA) "Your scripts are too big together"');
});

test('a script that was put comes back octet for octet', async () => {
  const served = await serve({ options: { scriptSize: 20_000 } });
  const talk = await enter(served);
  const lineOf = fc.string({
    unit: fc.constantFrom('a', '"', '\\', '{5+}', '\u00e4', '\u{1f3d6}', '\t'),
    maxLength: 20,
  });
  const script = fc
    .array(fc.tuple(lineOf, fc.constantFrom('\r\n', '\n')), { maxLength: 20 })
    .map((lines) => lines.map(([line, end]) => `# ${line}${end}`).join(''));
  await fc.assert(
    fc.asyncProperty(script, async (text) => {
      const size = Buffer.byteLength(text);
      expect(await say(talk, `PUTSCRIPT "x" {${size}+}\r\n${text}`)).toBe('OK');
      talk.write('GETSCRIPT "x"\r\nNOOP\r\n');
      let said = '';
      for (let line = await talk.line(); line !== 'OK "Here"'; line = await talk.line())
        said += `${line}\r\n`;
      expect(said).toBe(`{${size}}\r\n${text}\r\nOK\r\n`);
    }),
    { seed: 29, numRuns: 60 },
  );
});

test('names are told apart as people do', async () => {
  const served = await serve();
  const talk = await enter(served);
  await say(talk, 'PUTSCRIPT "Fe\u0301" "keep;"');
  await say(talk, 'PUTSCRIPT "a \\"b\\" \\\\c" "keep;"');
  expect(await say(talk, 'GETSCRIPT "F\u00e9"')).toBe('{5}');
  talk.write('LISTSCRIPTS\r\n');
  expect([await talk.line(), await talk.line(), await talk.line(), await talk.line()].slice(2)).toEqual([
    '"F\u00e9"',
    '"a \\"b\\" \\\\c"',
  ]);
});

test('an account has so many sessions at once, and UNAUTHENTICATE makes room', async () => {
  const served = await serve({ options: { sessionsPerAccount: 1 } });
  const first = await enter(served);
  const second = await dial(served);
  expect(await say(second, plain('ada', 'secret'))).toBe('NO (TRYLATER) "Too many sessions of this account"');
  expect(await say(first, 'UNAUTHENTICATE')).toMatch(/^OK/);
  expect(await say(second, plain('ada', 'secret'))).toBe('OK "Welcome"');
});

test('a credential that ends ends its session, but not one that was left before', async () => {
  const served = await serve();
  served.people.until = new Date(Date.now() + 300);
  const left = await enter(served);
  await say(left, 'UNAUTHENTICATE');
  const kept = await enter(served);
  await kept.closed();
  expect(await say(left, 'NOOP')).toBe('OK "Here"');
});

test('a shutdown says BYE', async () => {
  const served = await serve();
  const talk = await enter(served);
  const drained = served.listener.drain(new AbortController().signal);
  expect(await talk.rest()).toEqual(['BYE (TRYLATER) "Shutting down"']);
  talk.end();
  await drained;
});

test('silence ends a session with BYE', async () => {
  let now = 1_000_000;
  const served = await serve({ now: () => new Date(now) });
  const talk = await enter(served);
  now += 31 * 60_000;
  expect(await talk.rest()).toEqual(['BYE "You were silent for too long"']);
});

test('whatever a client says, the answers can be read, and the next client is served', async () => {
  const served = await serve({ options: { errors: 5 } });
  const part = fc.constantFrom(
    ...[plain('ada', 'secret'), 'AUTHENTICATE "PLAIN"', '"*"', 'NOOP "\u00e9"', 'LISTSCRIPTS', 'LOGOUT'].map(
      (line) => `${line}\r\n`,
    ),
    ...[
      'PUTSCRIPT "a" {5+}\r\nkeep;\r\n',
      'PUTSCRIPT "\u00e9" "foo"\r\n',
      'GETSCRIPT "a"\r\n',
      'SETACTIVE "a"\r\n',
    ],
    ...[
      'UNAUTHENTICATE\r\n',
      'CHECKSCRIPT "foo; bar;"\r\n',
      'DELETESCRIPT "a"\r\n',
      'RENAMESCRIPT "a" "b"\r\n',
    ],
    ...[
      '\r\n',
      '\n',
      '\r',
      '\0',
      '"',
      '{3+}\r\n',
      '{3}\r\n',
      '{9000+}\r\n',
      '(',
      'x'.repeat(70_000),
      '\u00ff',
      ' ',
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 25 }), async (parts) => {
      const talk = Talk.to(served.listener.port);
      talk.write(parts.join('')).end();
      const said = `${(await talk.rest()).join('\r\n')}\r\n`;
      talk.destroy();
      const lines = readResponses(Buffer.from(said));
      expect(lines.length).toBeGreaterThan(8);
    }),
    { seed: 4190, numRuns: 150 },
  );
  await expect.poll(() => served.listener.connections).toBe(0);
  await enter(served);
}, 60_000);
