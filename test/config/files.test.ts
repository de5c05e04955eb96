/**
 * Files that a configuration names: found, readable, certificate and key together.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectFiles } from '../../config/files.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';

let folder: string;
let one: Certificate;
let other: Certificate;
const now = new Date();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-config-'));
  one = await certificate(['one.example.org']);
  other = await certificate(['other.example.org']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inspect = (cert: string, key: string, at = now) =>
  inspectFiles(
    [
      { path: ['tls', 'cert'], file: cert },
      { path: ['tls', 'key'], file: key },
    ],
    [{ path: ['tls'], cert, key }],
    at,
  ).findings.map(({ path, severity, text }) => [path.join('.'), severity, text]);

test('a pair that belongs together is well', () => {
  expect(inspect(one.cert, one.key)).toEqual([]);
});

test('a key of another certificate is told', () => {
  expect(inspect(one.cert, other.key)).toEqual([
    ['tls.key', 'error', `the key in ${other.key} does not belong to the certificate in ${one.cert}`],
  ]);
});

test('certificate and key swapped are told', () => {
  expect(inspect(one.key, one.cert)).toEqual([
    ['tls.cert', 'error', `expected a PEM certificate in ${one.key}`],
  ]);
});

test('a key that is none is told', () => {
  const file = join(folder, 'no.key');
  writeFileSync(file, 'nonsense');
  expect(inspect(one.cert, file)).toEqual([
    ['tls.key', 'error', `expected a PEM private key without passphrase in ${file}`],
  ]);
});

test('an expired certificate is warned of', () => {
  const told = inspect(one.cert, one.key, new Date(now.getTime() + 90 * 86_400_000));
  expect(told).toMatchObject([['tls.cert', 'warning', expect.stringContaining('has expired')]]);
});

test('missing files and folders are told, each once', () => {
  const missing = join(folder, 'missing.pem');
  expect(inspect(missing, folder)).toEqual([
    ['tls.cert', 'error', `expected a file that can be read: ${missing}: no such file`],
    ['tls.key', 'error', `expected a file that can be read: ${folder}: it is a folder`],
  ]);
});
