/**
 * A changed file: what is live at once, what needs a restart; a broken one changes nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../config/load.ts';
import { reloadConfig } from '../../config/reload.ts';

let path: string;
const options = { environment: {}, now: new Date('2026-11-25T00:00:00Z') };
const hostname = 'hostname: gw.example.org\n';

beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'isthmus-config-')), 'isthmus.yaml');
});
afterAll(() => rmSync(join(path, '..'), { recursive: true, force: true }));

const reload = (before: string, after: string) => {
  writeFileSync(path, before);
  const previous = readConfig(path, options);
  writeFileSync(path, after);
  return reloadConfig(path, previous, options);
};

test('nothing changed, nothing to do', () => {
  expect(reload(hostname, `${hostname}# a comment\n`)).toMatchObject({
    ok: true,
    changes: [],
    needsRestart: false,
  });
});

test.each<[text: string, path: string, kind: string, effect: string]>([
  ['log: { level: debug }', 'log.level', 'changed', 'live'],
  ['log: { format: text }', 'log.format', 'changed', 'restart'],
  ['data: /elsewhere', 'data', 'changed', 'restart'],
  ['run: { user: mail }', 'run.user', 'added', 'restart'],
  ['run: { roles: { queue: 4 } }', 'run.roles.queue', 'changed', 'restart'],
  ['database: { maxConnections: 5 }', 'database.maxConnections', 'changed', 'restart'],
  ['listeners: [{ limits: { errors: 5 } }]', 'listeners[0].limits.errors', 'changed', 'live'],
  ['listeners: [{ port: 2525 }]', 'listeners[0].port', 'changed', 'restart'],
  ['listeners: [{}, { name: b, port: 2525 }]', 'listeners[1]', 'added', 'restart'],
  ['listeners: []', 'listeners[0]', 'removed', 'restart'],
  ['domains: [{ name: example.org }]', 'domains[0]', 'added', 'live'],
  ['sites: { a: { nextHops: [{ host: a }] } }', 'sites.a', 'added', 'live'],
  ['rules: [{ name: a, then: { hold: x } }]', 'rules[0]', 'added', 'live'],
  ['directory: { refreshEvery: 1m }', 'directory.refreshEvery', 'changed', 'live'],
  ['admin: { port: 1 }', 'admin.port', 'changed', 'restart'],
])('%s', (text, changed, kind, effect) => {
  const result = reload(hostname, `${hostname}${text}\n`);
  expect(result).toMatchObject({
    ok: true,
    changes: [{ path: changed, kind, effect }],
    needsRestart: effect === 'restart',
  });
});

test('a broken file answers problems, and the old configuration is untouched', () => {
  writeFileSync(path, hostname);
  const previous = readConfig(path, options);
  const copy = structuredClone(previous.config);
  writeFileSync(path, 'hostname: [\n');
  expect(reloadConfig(path, previous, options)).toMatchObject({ ok: false, problems: [{ line: 2 }] });
  expect(previous.config).toEqual(copy);
});
