import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseUser, isRoot } from '../../src/serve/privileges.ts';

const passwd = (...lines: string[]): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'isthmus-passwd-')), 'passwd');
  writeFileSync(file, ['root:x:0:0::/root:/bin/sh', ...lines, ''].join('\n'));
  return file;
};
const nobody = 'nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin';

test.runIf(isRoot())('as root, the configured user is chosen', () => {
  expect(chooseUser('mail', passwd('mail:x:8:12::/:/bin/false', nobody))).toEqual({
    name: 'mail',
    uid: 8,
    gid: 12,
  });
});

test.runIf(isRoot())('as root without a configured user, isthmus comes before nobody', () => {
  expect(chooseUser(undefined, passwd(nobody))?.name).toBe('nobody');
  expect(chooseUser(undefined, passwd(nobody, 'isthmus:x:990:990::/:/bin/false'))?.name).toBe('isthmus');
});

test.runIf(isRoot())('an unknown user is an error that says how to make one; root is refused', () => {
  expect(() => chooseUser('nosuch', passwd(nobody))).toThrow(/no user called nosuch .*useradd/);
  expect(() => chooseUser('root', passwd(nobody))).toThrow(/must not be root/);
});

test('anyone but root stays who they are', () => {
  const code = `import { chooseUser } from '${join(import.meta.dirname, '../../src/serve/privileges.ts')}'; console.log(String(chooseUser('mail')));`;
  const asNobody = isRoot() ? { uid: 65534, gid: 65534 } : {};
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: '/',
    ...asNobody,
  });
  expect(stdout.trim()).toBe('undefined');
});

test.runIf(isRoot())('a process binds port 25 and is then nobody for good', () => {
  const module = join(import.meta.dirname, '../../src/serve/privileges.ts');
  const code = `
    import { createServer } from 'node:net';
    import { chooseUser, dropPrivileges } from '${module}';
    const server = createServer();
    server.listen(825, '127.0.0.1', () => {
      dropPrivileges(chooseUser('nobody'));
      let back = 'no way back';
      try { process.setuid(0); back = 'root again'; } catch {}
      console.log(JSON.stringify({ uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), port: server.address().port, back }));
      server.close();
    });`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: '/',
  });
  expect(JSON.parse(stdout)).toEqual({
    uid: 65534,
    gid: 65534,
    groups: [65534],
    port: 825,
    back: 'no way back',
  });
});
