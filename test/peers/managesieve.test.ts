/**
 * ManageSieve as sieve-connect knows it: scripts are put, checked, activated, listed, fetched and removed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Served, serveManageSieve } from '../access/managesieve/serve.ts';
import { authorityFile } from '../fixture/tls.ts';
import { command, type Ended } from './command.ts';
import { describeWith } from './need.ts';
import { program } from './packages.ts';

await describeWith(['sieve-connect', 'openssl'], 'sieve-connect', () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-managesieve-'));
  const script = 'require ["fileinto", "vacation"];\r\n# "ä" {5+}\r\nfileinto "x";\r\n';
  const [good, bad, back] = ['good', 'bad', 'back'].map((name) => join(folder, `${name}.sieve`)) as [
    string,
    string,
    string,
  ];
  let served: Served;
  beforeAll(async () => {
    served = await serveManageSieve({ tls: 'required', options: { scriptSize: 2_000 } });
    writeFileSync(good, script);
    writeFileSync(bad, 'keep;\r\nfoo;\r\n');
  });
  afterAll(async () => {
    await served.listener.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = async (args: readonly string[], password = 'secret'): Promise<Ended> =>
    command(
      program('sieve-connect'),
      [
        ...['--server', '127.0.0.1', '--port', String(served.listener.port), '--user', 'ada'],
        ...['--tlscafile', await authorityFile(), '--tlshostname', 'mail.example.org', '--passwordfd', '0'],
        ...args,
      ],
      { input: `${password}\n`, env: { HOME: folder } },
    );

  const well = async (...args: readonly string[]): Promise<string> => {
    const ended = await connect(args);
    expect(ended, ended.stderr + ended.stdout).toMatchObject({ code: 0 });
    return ended.stdout;
  };

  test('a script lives its whole life', async () => {
    await well('--upload', '--localsieve', good, '--remotesieve', 'holiday');
    await well('--activate', '--remotesieve', 'holiday');
    expect(await well('--list')).toBe('"holiday" ACTIVE\n');
    expect(await served.scripts.active(1)).toEqual({ name: 'holiday', content: script });
    await well('--download', '--remotesieve', 'holiday', '--localsieve', back);
    expect(readFileSync(back, 'utf8')).toBe(script);
    await well('--deactivate');
    await well('--delete', '--remotesieve', 'holiday');
    expect(await well('--list')).toBe('');
  });

  test('what is wrong with a script is shown, and it is not kept', async () => {
    const checked = await connect(['--checkscript', '--localsieve', bad]);
    const put = await connect(['--upload', '--localsieve', bad, '--remotesieve', 'bad']);
    for (const { code, stderr, stdout } of [checked, put]) {
      expect(code).not.toBe(0);
      expect(stderr + stdout).toContain("line 2: unknown command 'foo'");
    }
    expect(await well('--list')).toBe('');
  });

  test('a script that is too big is refused by its size', async () => {
    writeFileSync(back, `# ${'x'.repeat(3_000)}\r\n`);
    const put = await connect(['--upload', '--localsieve', back, '--remotesieve', 'big']);
    expect(put.code).not.toBe(0);
    expect(put.stderr + put.stdout).toContain('QUOTA/MAXSIZE');
  });

  test('nobody comes in with a wrong password', async () => {
    const ended = await connect(['--list'], 'wrong');
    expect(ended.code).not.toBe(0);
    expect(ended.stderr + ended.stdout).toContain('Name or password are wrong');
  });

  test('LOGIN does as well as PLAIN', async () => {
    expect(await connect(['--list', '--authmech', 'LOGIN'])).toMatchObject({ code: 0 });
  });
});
