// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written so
/**
 * The loader: a good file becomes a Config; every kind of mistake has its place and its words.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, type ParseOptions, parseConfig, readConfig } from '../../config/load.ts';
import { ConfigError, parsePath, printPath, printProblem } from '../../config/problem.ts';

let folder: string;
const now = new Date('2026-11-25T00:00:00Z');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = (environment: Record<string, string> = {}): ParseOptions => ({
  file: 'isthmus.yaml',
  folder,
  environment,
  now,
});

const problemsOf = (text: string, environment: Record<string, string> = {}): readonly string[] => {
  const result = parseConfig(text, options(environment));
  return result.ok ? [] : result.problems.map(printProblem);
};

const loadedFrom = (text: string, environment: Record<string, string> = {}) => {
  const result = parseConfig(text, options(environment));
  if (!result.ok) throw new ConfigError(result.problems);
  return result.loaded;
};

const minimal = 'hostname: gw.example.org\n';

test('a host name alone is a whole configuration', () => {
  const { config } = loadedFrom(minimal);
  expect(config.hostname).toBe('gw.example.org');
  expect(config.shutdownGrace).toBe(20_000);
  expect(config.run.backOff).toEqual({ first: 250, longest: 30_000 });
});

test('a key without a value counts as left out', () => {
  expect(loadedFrom(`${minimal}run:\n  # roles:\nlog:\n  level:\n`).config.log.level).toBe('info');
});

test('a relative path is relative to the folder of the file', () => {
  expect(loadedFrom(`${minimal}data: state\n`).config.data).toBe(join(folder, 'state'));
});

test('anchors, aliases and merge keys work, and the nearer key wins', () => {
  const text = `${minimal}run:\n  backOff: &wait\n    first: 1s\n    longest: 2s\n  roles: { receive: 2 }\n`;
  expect(loadedFrom(text).config.run.backOff.first).toBe(1000);
  const merged = 'run: { backOff: { <<: { first: 1s, longest: 9s }, longest: 5s } }\n';
  expect(loadedFrom(minimal + merged).config.run.backOff).toEqual({ first: 1000, longest: 5000 });
});

test.each<[name: string, text: string, ...problems: string[]]>([
  [
    'an empty file lacks the host name',
    '',
    'isthmus.yaml:1:1: hostname: expected a domain such as example.org, found nothing: the key is required',
  ],
  ['a file that is a list', '- a\n', 'isthmus.yaml:1:1: expected a map of keys, found a list'],
  [
    'a mistyped key',
    `${minimal}shutdwonGrace: 5s\n`,
    'isthmus.yaml:2:1: shutdwonGrace: unknown key. Did you mean "shutdownGrace"?',
  ],
  [
    'a mistyped key within a map',
    `${minimal}run:\n  role: {}\n`,
    'isthmus.yaml:3:3: run.role: unknown key. Did you mean "roles"?',
  ],
  [
    'a key that resembles nothing',
    `${minimal}log:\n  zzzzz: 1\n`,
    'isthmus.yaml:3:3: log.zzzzz: unknown key, expected one of level|format',
  ],
  [
    'a key that is indented too far',
    `${minimal}run:\n  roles:\n    receive: 1\n    readyWithin: 5s\n`,
    'isthmus.yaml:5:5: run.roles.readyWithin: unknown key here; it is a key of run: check the indentation',
  ],
  [
    'a value that is none of those permitted',
    `${minimal}log: { level: infos }\n`,
    'isthmus.yaml:2:15: log.level: expected one of debug|info|warn|error|silent, found "infos". Did you mean "info"?',
  ],
  [
    'a duration without a unit',
    `${minimal}shutdownGrace: 30\n`,
    'isthmus.yaml:2:16: shutdownGrace: expected a duration such as 250ms, 30s, 5m, 4h or 5d, found 30',
  ],
  [
    'a duration with an unknown unit',
    `${minimal}shutdownGrace: 30sec\n`,
    'isthmus.yaml:2:16: shutdownGrace: expected a duration such as 250ms, 30s, 5m, 4h or 5d, found "30sec"',
  ],
  [
    'a duration out of its limits',
    `${minimal}run: { readyWithin: 5d }\n`,
    'isthmus.yaml:2:21: run.readyWithin: expected a duration from 1s to 1h, found "5d"',
  ],
  [
    'a number in quotes',
    `${minimal}admin: { port: "8025" }\n`,
    'isthmus.yaml:2:16: admin.port: expected a port number from 1 to 65535, found "8025". Did you mean 8025 without quotes?',
  ],
  [
    'a number out of its limits',
    `${minimal}admin: { port: 99999 }\n`,
    'isthmus.yaml:2:16: admin.port: expected a port number from 1 to 65535, found 99999',
  ],
  [
    'a map where a value belongs',
    `${minimal}admin: { address: { a: 1 } }\n`,
    'isthmus.yaml:2:19: admin.address: expected an IP address such as 192.0.2.1 or 2001:db8::1, found a map of keys',
  ],
  [
    'a value where a map belongs',
    `${minimal}run: fast\n`,
    'isthmus.yaml:2:6: run: expected a map of keys, found "fast"',
  ],
  [
    'a key that is given twice',
    `${minimal}data: /a\nhostname: other.example.org\n`,
    'isthmus.yaml:3:1: hostname: the key is given twice',
  ],
  ['a tab', `${minimal}run:\n\troles: {}\n`, 'isthmus.yaml:3:1: not valid YAML: a tab; indent with spaces'],
  [
    'a second document',
    `${minimal}---\nhostname: b.example\n`,
    'isthmus.yaml:2:1: expected one YAML document, found another after "---"',
  ],
  [
    'an open bracket',
    `${minimal}run: { roles: {\n`,
    'isthmus.yaml:3:1: not valid YAML: wrong indentation, or a bracket that is not closed; keys of one map begin in one column',
  ],
  [
    'a tag',
    `${minimal}data: !vault abc\n`,
    'isthmus.yaml:2:7: not valid YAML here: tags ("!") are not used; quote text that begins with "!"',
  ],
  [
    'an alias without its anchor',
    `${minimal}data: *secretThatBeginsWithAStar\n`,
    'isthmus.yaml:2:7: data: an alias of an anchor that is not defined above; quote text that begins with "*"',
  ],
  ['a key that is no text', `${minimal}? [a, b]\n: 1\n`, 'isthmus.yaml:2:3: a key must be plain text'],
  [
    'a key that would reach into the program',
    `${minimal}__proto__: { x: 1 }\n`,
    'isthmus.yaml:2:1: a key must be plain text',
  ],
  [
    'a variable that is not set',
    `${minimal}data: \${env:NOWHERE}\n`,
    'isthmus.yaml:2:7: data: expected the environment variable NOWHERE to be set',
  ],
  [
    'a reference of an unknown kind',
    `${minimal}data: \${NOWHERE}\n`,
    'isthmus.yaml:2:7: data: expected ${env:NAME} or ${file:path}; write $${ where ${ itself is meant',
  ],
  [
    'a variable with a value that does not fit is not shown',
    `${minimal}shutdownGrace: \${env:HIDDEN}\n`,
    'isthmus.yaml:2:16: shutdownGrace: expected a duration such as 250ms, 30s, 5m, 4h or 5d, found a secret (not shown)',
  ],
  [
    'several mistakes are told at once, in the order of the file',
    'log: { level: loud }\nhostname: "-"\nadmin:\n  port: 0\nzzz: 1\n',
    'isthmus.yaml:1:15: log.level: expected one of debug|info|warn|error|silent, found "loud"',
    'isthmus.yaml:2:11: hostname: expected a domain such as example.org, found "-"',
    'isthmus.yaml:4:9: admin.port: expected a port number from 1 to 65535, found 0',
    'isthmus.yaml:5:1: zzz: unknown key, expected one of hostname',
  ],
])('%s is told with its place', (_name, text, ...problems) => {
  const told = problemsOf(text, { HIDDEN: 'hunter2' });
  expect(told).toHaveLength(problems.length);
  for (const [index, problem] of problems.entries()) expect(told[index]).toContain(problem);
});

describe('references', () => {
  test('a variable and a file are put in, the newline at the end dropped', () => {
    writeFileSync(join(folder, 'name'), 'files.example.org\n', { mode: 0o600 });
    expect(loadedFrom('hostname: ${file:name}\n').config.hostname).toBe('files.example.org');
    expect(loadedFrom('hostname: ${env:H}.example.org\n', { H: 'env' }).config.hostname).toBe(
      'env.example.org',
    );
  });

  test('a number comes from a variable, too', () => {
    expect(loadedFrom(`${minimal}admin: { port: "\${env:P}" }\n`, { P: '81' }).config.admin.port).toBe(81);
  });

  test('$${ is a literal ${', () => {
    expect(loadedFrom(`${minimal}data: /a/$\${env:X}\n`).config.data).toBe('/a/${env:X}');
  });

  test('a file that all can read is warned of', () => {
    writeFileSync(join(folder, 'open'), 'a.example.org', { mode: 0o644 });
    const [warning] = loadedFrom('hostname: ${file:open}\n').warnings;
    expect(warning).toMatchObject({ line: 1, column: 11, path: 'hostname', severity: 'warning' });
    expect(printProblem(warning!)).toBe(
      `isthmus.yaml:1:11: warning: hostname: ${join(folder, 'open')} can be read by everyone on this machine; chmod 640 or 600 it`,
    );
  });

  test.each([
    ['missing', 'no such file'],
    ['.', 'found something else'],
  ])('a file %s is told', (name, words) => {
    expect(problemsOf(`hostname: \${file:${name}}\n`)[0]).toContain(words);
  });
});

describe('bounds', () => {
  test('aliases that multiply are stopped', () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const inner = i === 0 ? 'x' : `*a${i - 1}`;
      return `a${i}: &a${i} [${Array.from({ length: 10 }, () => inner).join(', ')}]`;
    });
    const told = problemsOf(`${minimal}${levels.join('\n')}\n`);
    expect(told.join()).toContain('more than 200000 values, aliases counted each time');
  });

  test.each([50, 100, 100_000])('nesting of %d levels is told, not fallen over', (depth) => {
    const told = problemsOf(`hostname: ${'['.repeat(depth)}${']'.repeat(depth)}\n`);
    expect(told).toHaveLength(1);
  });

  test('an alias of itself is told', () => {
    expect(problemsOf(`${minimal}run: &r\n  roles: *r\n`).length).toBeGreaterThan(0);
  });
});

describe('the file itself', () => {
  test('a missing file is a problem of that file', () => {
    const result = loadConfig(join(folder, 'none.yaml'), options());
    expect(result).toMatchObject({
      ok: false,
      problems: [{ line: 1, message: 'expected a configuration file here: no such file' }],
    });
  });

  test('readConfig throws all problems', () => {
    writeFileSync(join(folder, 'bad.yaml'), 'hostnam: a\n');
    expect(() => readConfig(join(folder, 'bad.yaml'), options())).toThrow(ConfigError);
  });
});

describe('checks of other rooms', () => {
  const check = { path: 'run.roles.queue', text: 'one is too few', severity: 'error' } as const;

  test('are told with their place', () => {
    const text = `${minimal}run:\n  roles: { queue: 1 }\n`;
    const result = parseConfig(text, { ...options(), checks: [() => [check]] });
    expect(result).toMatchObject({
      ok: false,
      problems: [{ line: 3, column: 12, message: 'one is too few' }],
    });
  });

  test('point at what is around a key that is not in the file, and may only warn', () => {
    const result = parseConfig(minimal, {
      ...options(),
      checks: [() => [{ ...check, severity: 'warning' }]],
    });
    expect(result).toMatchObject({
      ok: true,
      loaded: { warnings: [{ line: 1, column: 1, path: check.path }] },
    });
  });

  test('are not asked about a file that has other problems', () => {
    const result = parseConfig('hostname: "-"\n', {
      ...options(),
      checks: [
        () => {
          throw new Error('asked');
        },
      ],
    });
    expect(result.ok).toBe(false);
  });
});

test.each([
  ['sites.onprem.nextHops[0].tls', ['sites', 'onprem', 'nextHops', 0, 'tls']],
  ['domains["example.org"].type', ['domains', 'example.org', 'type']],
  ['a["q\\"]."][12]', ['a', 'q"].', 12]],
])('the path %s is read and printed the same', (text, path) => {
  expect(parsePath(text)).toEqual(path);
  expect(printPath(path)).toBe(text);
});

test('of very many problems the first 500 are told', () => {
  const text = `${minimal}${Array.from({ length: 700 }, (_, i) => `zzz${i}: 1`).join('\n')}\n`;
  const told = problemsOf(text);
  expect(told).toHaveLength(501);
  expect(told.at(-1)).toBe('isthmus.yaml:502:1: and 200 more problems');
});
