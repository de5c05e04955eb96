/** What README shows works as shown. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { loadOptions } from '../../src/main/load.ts';
import { certificate } from '../fixture/tls.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('its configuration passes the check that operators run', async () => {
  const text = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-readme-'));
  const made = await certificate(['gateway.example.org']);
  copyFileSync(made.cert, join(folder, 'gateway.pem'));
  copyFileSync(made.key, join(folder, 'gateway.key'));
  writeFileSync(join(folder, 'ldap-password'), 'secret\n', { mode: 0o600 });
  const file = join(folder, 'isthmus.yaml');
  writeFileSync(file, text.replaceAll('/etc/isthmus/', `${folder}/`));
  const result = loadConfig(file, loadOptions());
  expect(result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

test('every npm script it names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(3);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});

test('every file it links to exists', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path ?? '');
  for (const link of links.filter((path) => !path.startsWith('http'))) {
    expect(() => readFileSync(join(root, link)), link).not.toThrow(/ENOENT/);
  }
});
