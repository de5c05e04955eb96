/**
 * The whole server as an operator meets it: started, asked, reloaded, hurt, stopped.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, listener, startGateway } from '../fixture/gateway.ts';
import { certificate } from '../fixture/tls.ts';
import { type Capture, startCapture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import { freePort } from '../peers/postfix.ts';

/** One SMTP session, a command at a time; all replies. */
async function converse(port: number, commands: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  const replies = () => said.split('\r\n').filter((line) => /^\d{3} /.test(line)).length;
  await until('the greeting', () => replies() > 0, 10_000);
  for (const [index, command] of commands.entries()) {
    socket.write(`${command}\r\n`);
    await until(`an answer to ${command}`, () => replies() > index + 1, 20_000);
  }
  socket.destroy();
  return said;
}

const message = (id: string): string => `Message-ID: <${id}@client.test>\r\nSubject: x\r\n\r\nHello.\r\n.`;
const send = (port: number, to: string, id: string, from = 'walter@elsewhere.test'): Promise<string> =>
  converse(port, ['EHLO client.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA', message(id)]);

const people = `address,kind,home
ada@example.org,user,onprem
bob@example.org,user,cloud
`;

describe.each([
  ['a process for each role', false],
  ['everything in one process', true],
])('%s', (_name, single) => {
  let onprem: Capture;
  let cloud: Capture;
  let gateway: Gateway;
  let port = 0;
  let folder = '';
  let tls: object;
  const settings = (rules: readonly object[] = []) => ({
    listeners: [listener('mx', port, { tls })],
    directory: {
      sources: [{ name: 'staff', kind: 'csv', file: join(folder, 'staff.csv') }],
      refreshEvery: '1s',
    },
    domains: [{ name: 'example.org', type: 'authoritative' }],
    sites: {
      onprem: { nextHops: [{ host: '127.0.0.1', port: onprem.port }], tls: 'none' },
      cloud: { nextHops: [{ host: '127.0.0.1', port: cloud.port }], tls: 'none' },
    },
    queue: { concurrency: { downFirst: '1s', downMax: '1s' }, retry: ['1s'] },
    rules,
  });
  const arrived = (site: Capture, id: string) =>
    until(
      `${id} to arrive`,
      () => site.taken.some(({ messageId }) => messageId === `${id}@client.test`),
      20_000,
    );

  beforeAll(async () => {
    [onprem, cloud, port] = await Promise.all([startCapture(), startCapture(), freePort()]);
    const { cert, key } = await certificate(['gateway.test']);
    tls = { mode: 'optional', certificates: [{ cert, key }] };
    folder = mkdtempSync(join(tmpdir(), 'isthmus-staff-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'staff.csv'), people);
    gateway = await startGateway({ single, config: settings() });
    await until('the directory to be read', async () => {
      const [source] = await gateway.json<{ entries: number }[]>('directory', 'status');
      return source?.entries === 2;
    });
  });
  afterAll(async () => {
    await gateway?.remove();
    await Promise.all([onprem?.close(), cloud?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('mail goes to each person’s home, and the trace tells why', async () => {
    expect(await send(port, 'ada@example.org', 'm1')).toContain('250 2.0.0');
    expect(await send(port, 'bob@example.org', 'm2')).toContain('250 2.0.0');
    await Promise.all([arrived(onprem, 'm1'), arrived(cloud, 'm2')]);
    await until('the trace', async () =>
      (await gateway.isthmus('trace', '--message-id', 'm2@client.test')).stdout.includes('delivered'),
    );
    const { stdout } = await gateway.isthmus('trace', '--message-id', 'm2@client.test');
    expect(stdout).toContain('because directory: home is cloud');
  });

  test('a stranger is refused at RCPT, and that is in the trace too', async () => {
    expect(
      await converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<eve@example.org>']),
    ).toContain('550 5.1.1');
    await until('the refusal in the trace', async () => {
      const { stdout } = await gateway.isthmus('trace', '--recipient', 'eve@example.org');
      return stdout.includes('refused');
    });
  });

  test('explain gives the same answer as the server', async () => {
    const explained = await gateway.json<{ copies: { nextHop: string }[]; because: string[] }>(
      'route',
      'explain',
      'bob@example.org',
    );
    expect(explained.copies.map(({ nextHop }) => nextHop)).toEqual(['site:cloud']);
    expect((await gateway.isthmus('route', 'explain', 'eve@example.org')).stdout).toContain('550 5.1.1');
  });

  test('a home set by hand moves a person’s mail at once, and back', async () => {
    await gateway.isthmus('home', 'set', 'ada@example.org', 'cloud', '--reason', 'pilot');
    await until('mail to follow', async () => {
      const id = `moved${cloud.taken.length}`;
      await send(port, 'ada@example.org', id);
      return cloud.taken.some(({ messageId }) => messageId === `${id}@client.test`);
    });
    await gateway.isthmus('home', 'clear', 'ada@example.org', '--reason', 'back');
    await sleep(200);
    await send(port, 'ada@example.org', 'm3');
    await arrived(onprem, 'm3');
  });

  test('a reload takes new rules live; a broken file changes nothing and is said', async () => {
    gateway.configure(
      settings([
        {
          name: 'shut',
          when: { recipient: { address: 'bob@example.org' } },
          then: { reject: '550 5.7.1 Closed' },
        },
      ]),
    );
    expect((await gateway.isthmus('config', 'reload')).code).toBe(0);
    await until('the new rule', async () =>
      (
        await converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<bob@example.org>'])
      ).includes('550 5.7.1 Closed'),
    );
    gateway.configure({ ...settings(), rules: [{ name: 'x', then: { rejct: 'no' } }] });
    expect((await gateway.isthmus('config', 'reload')).code).toBe(78);
    process.kill(gateway.pid ?? 0, 'SIGHUP');
    await until('the complaint', () =>
      gateway.lines().some(({ msg }) => msg.includes('the old one stays in force')),
    );
    expect(
      gateway
        .lines()
        .some(({ msg }) => msg.includes('did you mean') || msg.includes('Did you mean "reject"')),
    ).toBe(true);
    expect(
      await converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<bob@example.org>']),
    ).toContain('550 5.7.1 Closed');
    gateway.configure(settings());
    await gateway.isthmus('config', 'reload');
    await until('the rule to be gone', async () =>
      (
        await converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<bob@example.org>'])
      ).includes('250 2.1.5'),
    );
  });

  test('what waits for a restart keeps nothing else from being live', async () => {
    const rules = [
      {
        name: 'shut',
        when: { recipient: { address: 'bob@example.org' } },
        then: { reject: '550 5.7.1 Closed' },
      },
    ];
    const answer = () =>
      converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<bob@example.org>']);
    gateway.configure({ ...settings(rules), listeners: [listener('mx', await freePort(), { tls })] });
    await gateway.isthmus('config', 'reload');
    await until('the new rule', async () => (await answer()).includes('550 5.7.1 Closed'));
    expect(gateway.lines()).toContainEqual(
      expect.objectContaining({ msg: 'this change waits for a restart', path: 'listeners[0].port' }),
    );
    gateway.configure(settings());
    await gateway.isthmus('config', 'reload');
    await until('the rule to be gone', async () => (await answer()).includes('250 2.1.5'));
  });

  test('a reload takes directory sources live: new people are known, and those of a source taken out are not', async () => {
    const before = gateway.lines().length;
    const since = () => gateway.lines().slice(before);
    const more = join(folder, 'more.csv');
    writeFileSync(more, 'address,kind,home\nzoe@example.org,user,cloud\n');
    const answer = () =>
      converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<zoe@example.org>']);
    expect(await answer()).toContain('550 5.1.1');
    const { directory, ...rest } = settings();
    const sources = [...directory.sources, { name: 'more', kind: 'csv', file: more }];
    gateway.configure({ ...rest, directory: { ...directory, sources } });
    await gateway.isthmus('config', 'reload');
    await until('zoe to be known', async () => (await answer()).includes('250 2.1.5'), 30_000);
    // The same file under other words: everything is read anew, not only what changed.
    writeFileSync(join(folder, 'other.csv'), 'address;kind;home\nyan@example.org;user;cloud\n');
    const [staff] = directory.sources;
    const other = { name: 'more', kind: 'csv', file: join(folder, 'other.csv'), separator: ';' };
    gateway.configure({ ...rest, directory: { ...directory, sources: [staff, other] } });
    await gateway.isthmus('config', 'reload');
    await until('zoe to be gone', async () => (await answer()).includes('550 5.1.1'), 30_000);
    gateway.configure(settings());
    await gateway.isthmus('config', 'reload');
    await until('the source to be gone', async () => {
      const left = await gateway.json<{ source: string }[]>('directory', 'status');
      return left.length === 1;
    });
    expect(since().some(({ msg }) => msg === 'this change waits for a restart')).toBe(false);
  });

  test('monitoring tells health and numbers of all roles', async () => {
    const health = (await (await fetch(`http://127.0.0.1:${gateway.adminPort}/healthz`)).json()) as {
      ok: boolean;
      checks: { name: string }[];
    };
    expect(health.ok).toBe(true);
    expect(health.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['receive/0', 'queue/0', 'admin/0', 'blobs', 'database', 'directory staff']),
    );
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/isthmus_messages_accepted_total\{listener="mx"\} \d/);
    expect(metrics).toMatch(/isthmus_deliveries_total\{.*outcome="delivered".*\} \d/);
    expect(metrics).toMatch(/isthmus_directory_entries\{source="staff"\} 2/);
    expect(metrics).toMatch(/^isthmus_queue_messages 0$/m);
  });

  test('a reload that one role refuses is live in none, and in none that starts later', async () => {
    const shut = { name: 'shut', then: { reject: '550 5.7.1 Closed' } };
    const answer = () =>
      converse(port, ['EHLO c', 'MAIL FROM:<w@elsewhere.test>', 'RCPT TO:<bob@example.org>']);
    const unusable = { ...tls, ciphers: 'NO-SUCH-CIPHER' };
    gateway.configure({ ...settings([shut]), listeners: [listener('mx', port, { tls: unusable })] });
    const before = gateway.lines().length;
    const since = () => gateway.lines().slice(before);
    process.kill(gateway.pid ?? 0, 'SIGHUP');
    await until('the complaint', () => since().some(({ msg }) => msg.includes('the old one stays in force')));
    expect(since()).toContainEqual(
      expect.objectContaining({ level: 'error', role: 'receive', msg: 'role refused the new settings' }),
    );
    expect(since().filter(({ msg }) => msg.includes('did not take back'))).toEqual([]);
    expect(await answer()).toContain('250 2.1.5');
    const receive = gateway.victims().find(({ kind }) => kind === 'receive');
    if (!single && receive !== undefined) {
      process.kill(receive.pid, 'SIGKILL');
      await until('it to be back', () =>
        since().some(({ msg, role }) => msg === 'role ready' && role === 'receive'),
      );
      expect(await answer()).toContain('250 2.1.5');
    }
    gateway.configure(settings());
  });

  test('mail for a site that is down waits, and goes when it is back', async () => {
    const { port: down } = cloud;
    await cloud.close();
    expect(await send(port, 'bob@example.org', 'm4')).toContain('250 2.0.0');
    await until(
      'it to wait',
      async () =>
        (await gateway.json<{ recipients: { status: string }[] }[]>('queue', 'list'))[0]?.recipients[0]
          ?.status === 'deferred',
    );
    cloud = await startCapture({ port: down });
    await gateway.isthmus('queue', 'retry', '--all');
    await arrived(cloud, 'm4');
  });

  test('held mail stays until it is released', async () => {
    gateway.configure(settings([{ name: 'wait', then: { hold: 'maintenance' } }]));
    await gateway.isthmus('config', 'reload');
    await until('the rule', async () =>
      (await gateway.isthmus('route', 'explain', 'ada@example.org')).stdout.includes('maintenance'),
    );
    await sleep(300);
    expect(await send(port, 'ada@example.org', 'm5')).toContain('250 2.0.0');
    await until(
      'it to be held',
      async () =>
        (await gateway.json<{ byStatus: { held: number } }>('queue', 'summary')).byStatus.held === 1,
    );
    gateway.configure(settings());
    await gateway.isthmus('config', 'reload');
    await sleep(300);
    expect((await gateway.isthmus('queue', 'release', '--all')).stdout).toContain(
      'release: 1 recipients of 1 messages',
    );
    await arrived(onprem, 'm5');
  });

  test('roles run unprivileged when root started them', () => {
    if (process.getuid?.() !== 0) return expect(process.getuid?.()).toBeGreaterThan(0);
    const roles = gateway.victims().filter(({ kind }) => single || kind !== 'supervisor');
    expect(roles.length).toBeGreaterThan(0);
    for (const { pid, kind } of roles) {
      const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      expect(`${kind} ${uid}`).not.toBe(`${kind} 0`);
    }
  });

  test('SIGTERM lets what is under way finish, and the next start has everything', async () => {
    await gateway.stop();
    expect(gateway.lines().some(({ msg }) => msg === 'stopped')).toBe(true);
    const status = await gateway.isthmus('queue', 'list');
    expect(status.code).not.toBe(0);
    expect(status.stderr).toMatch(/not running|does not run|isthmus serve/);
    await gateway.start();
    expect(await send(port, 'ada@example.org', 'm6')).toContain('250 2.0.0');
    await arrived(onprem, 'm6');
  });

  if (single) return;

  test('a killed role is started again while the others go on', async () => {
    const queue = gateway.victims().find(({ kind }) => kind === 'queue');
    process.kill(queue?.pid ?? 0, 'SIGKILL');
    expect(await send(port, 'ada@example.org', 'm7')).toContain('250 2.0.0');
    await arrived(onprem, 'm7');
    await until('another queue process', () =>
      gateway.victims().some(({ kind, pid }) => kind === 'queue' && pid !== queue?.pid),
    );
  });
});

test('a configuration that is broken keeps the server from starting, with a code of its own', () => {
  const file = join(import.meta.dirname, '../../package.json');
  const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'serve', '--config', file], {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '../..'),
  });
  expect(status).toBe(78);
  expect(stderr).toMatch(/package\.json:\d+:\d+: .*hostname/);
});
