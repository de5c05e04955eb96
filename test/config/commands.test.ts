// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written so
/**
 * isthmus config …: what is printed, and with which exit code. Secrets never are.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  checkCommand,
  exampleCommand,
  referenceCommand,
  schemaCommand,
  showCommand,
} from '../../config/commands.ts';

let folder: string;
const now = new Date('2026-11-25T00:00:00Z');
const environment = { DATABASE_URL: 'postgresql://u:hunter2hunter2@db.example.org/i', NAME: 'gw' };
const options = { environment, now, json: false };

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('check of a good file says OK and exits with 0', () => {
  const path = write('good.yaml', 'hostname: gw.example.org\n');
  expect(checkCommand(path, options)).toEqual({ text: `${path}: OK (gw.example.org)\n`, exitCode: 0 });
  expect(checkCommand(path, { ...options, json: true })).toEqual({ text: '[]\n', exitCode: 0 });
});

test('check of a bad file says each problem with its place and exits with 1', () => {
  const path = write('bad.yaml', 'hostname: gw.example.org\nlog:\n  level: warm\n');
  const message =
    'log.level: expected one of debug|info|warn|error|silent, found "warm". Did you mean "warn"?';
  expect(checkCommand(path, options)).toEqual({ text: `${path}:3:10: ${message}\n1 error\n`, exitCode: 1 });
  const { text, exitCode } = checkCommand(path, { ...options, json: true });
  expect(exitCode).toBe(1);
  expect(JSON.parse(text)).toEqual([
    {
      file: path,
      line: 3,
      column: 10,
      path: 'log.level',
      severity: 'error',
      message: message.slice('log.level: '.length),
      expected: 'one of debug|info|warn|error|silent',
      found: '"warm"',
      suggestion: '"warn"',
    },
  ]);
});

test('show has the defaults in source notation and no secret', () => {
  const path = write(
    'show.yaml',
    'hostname: ${env:NAME}.example.org\ndatabase:\n  url: ${env:DATABASE_URL}\n',
  );
  const { text, exitCode } = showCommand(path, options);
  expect(exitCode).toBe(0);
  expect(text).not.toContain('hunter2');
  expect(parse(text)).toMatchObject({
    hostname: '***',
    shutdownGrace: '20s',
    database: { url: '***', statementTimeout: '30s' },
    blobs: { kind: 'files', inlineLimit: '64KB' },
  });
  expect(showCommand(path, { ...options, json: true }).text).not.toContain('hunter2');
});

test('a secret written in the file itself is not shown either', () => {
  const path = write(
    'plain.yaml',
    'hostname: gw.example.org\ndatabase:\n  url: postgresql://u:hunter2hunter2@db/i\n',
  );
  expect(showCommand(path, options).text).not.toContain('hunter2');
});

test('what show prints of a file without secrets is itself a good file that says the same', () => {
  const path = write('first.yaml', 'hostname: gw.example.org\nrun: { roles: { queue: 3 } }\n');
  const shown = showCommand(path, options).text;
  expect(showCommand(write('second.yaml', shown), options).text).toBe(shown);
});

test('no problem shows a secret, in text or JSON', () => {
  const bad =
    'database:\n  url: hunter2hunter2\nlog: { level: "${env:DATABASE_URL}" }\nhostname: "hunter2hunter2 "\n';
  const path = write('secret.yaml', bad);
  for (const json of [true, false]) {
    const { text, exitCode } = checkCommand(path, { ...options, json });
    expect(exitCode).toBe(1);
    expect(text).not.toContain('hunter2');
  }
});

test('example, reference and schema are printed', () => {
  expect(exampleCommand().text).toContain('\nhostname: ');
  expect(referenceCommand().text).toContain('| `hostname` |');
  expect(JSON.parse(schemaCommand().text)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    additionalProperties: false,
  });
});

test('secrets deep in sites and directory sources are not shown', () => {
  const text = `hostname: gw.example.org
sites:
  a: { nextHops: [{ host: a }], auth: { user: u, password: hunter2hunter2 } }
directory:
  sources:
    - kind: ldap
      name: ad
      preset: openldap
      servers: ["ldaps://a"]
      bind: { method: simple, dn: cn=reader, password: hunter2hunter2 }
`;
  const shown = showCommand(write('deep.yaml', text), options);
  expect(shown.exitCode).toBe(0);
  expect(shown.text).not.toContain('hunter2');
  expect(shown.text.match(/\*\*\*/g)).toHaveLength(2);
});
