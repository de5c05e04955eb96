/** What is well formed and dangerous, or can never work. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import type { Problem } from '../../config/problem.ts';

function problemsOf(text: string): readonly Problem[] {
  const result = parseConfig(text, { file: 'f', folder: '/', environment: {}, now: new Date() });
  return result.ok ? result.loaded.warnings : result.problems;
}

const site = (rest: string) =>
  problemsOf(`hostname: gw.example.org
sites:
  cloud: { nextHops: [{ host: smtp.example.org, port: 587 }], auth: { user: gw, password: secret0secret }, ${rest} }
`).map(({ severity, path, message }) => `${severity} ${path} ${message}`);

test.each([
  ['tls: opportunistic', 'warning'],
  ['tls: require', 'warning'],
  ['tls: none, implicitTls: true', 'warning'],
  ['tls: none', 'error'],
])('a password for whoever answers: %s is a %s', (rest, severity) => {
  expect(site(rest)).toEqual([expect.stringMatching(new RegExp(`^${severity} sites.cloud.auth `))]);
});

test.each(['tls: verify', 'tls: verify, implicitTls: true', 'tls: none, authWithoutTls: true'])(
  'a password for the site itself, or for this machine: %s is fine',
  (rest) => {
    expect(site(rest)).toEqual([]);
  },
);

test('the configuration in the README is good, but for files that only the reader has', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
  expect(blocks.length).toBeGreaterThan(0);
  for (const text of blocks) {
    const serious = problemsOf(text).filter(({ severity }) => severity === 'error');
    expect(serious.map(({ message }) => message).filter((one) => !/no such file/.test(one))).toEqual([]);
  }
});
