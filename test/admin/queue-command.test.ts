import { expect, test } from 'vitest';
import { directoryCommand, homeCommand } from '../../src/admin/cli/directory.ts';
import { queueCommand } from '../../src/admin/cli/queue.ts';
import { traceCommand } from '../../src/admin/cli/trace.ts';
import type { Services, Terminal } from '../../src/admin/services.ts';
import { UsageError } from '../../src/admin/usage.ts';
import { parseAddress } from '../../src/mail/address.ts';
import type { DirectoryEntry, Lookup } from '../../src/ports/directory.ts';
import type { QueueControl, QueuedMessage } from '../../src/ports/queue-control.ts';
import type { TraceRow } from '../../src/ports/trace.ts';
import { compile } from '../../src/route/compile.ts';

const now = new Date('2026-11-25T12:00:00Z');
const message: QueuedMessage = {
  id: '4Hq7Zk2mYx9b',
  sender: 'ada@example.org',
  size: 12_595,
  receivedAt: new Date('2026-11-25T10:00:00Z'),
  expiresAt: new Date('2026-11-30T10:00:00Z'),
  messageId: '<1@example.org>',
  recipients: [
    {
      address: 'bob@example.com',
      status: 'deferred',
      nextHop: 'mx:example.com',
      attempts: 3,
      dueAt: new Date('2026-11-25T13:00:00Z'),
      reply: '450 4.2.1 try \u0007later',
      peer: 'mx.example.com',
      because: ['not our domain: its mail exchangers'],
    },
  ],
};

const ada: DirectoryEntry = {
  id: 'staff/1',
  source: 'staff',
  where: 'line 2',
  kind: 'user',
  addresses: [parseAddress('ada@example.org')!],
  x500: [],
  home: 'onprem',
  hiddenFromAddressLists: false,
  disabled: false,
  attributes: {},
};

const story: TraceRow[] = [
  { at: now, event: 'accepted', queueId: 'Q1', because: [], detail: { sender: 'ada@example.org', size: 10 } },
  {
    at: now,
    event: 'delivered',
    queueId: 'Q1',
    recipient: 'bob@example.com',
    because: ['home is cloud'],
    detail: {
      reply: '250 ok',
      peer: { ip: '192.0.2.1', host: 'mx.example.com', port: 25, tls: 'TLSv1.3 verified' },
    },
  },
];

function stage(shown = message, acts = { messages: 2, recipients: 3, busy: 1 }) {
  const out: string[] = [];
  const err: string[] = [];
  const acted: unknown[] = [];
  const flips: string[] = [];
  const wishes: object[] = [];
  let code = 0;
  let closed = 0;
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    exit: (value) => {
      code = value;
    },
    signal: new AbortController().signal,
    now: () => now,
    operator: 'root',
  };
  const queue: QueueControl = {
    async *list(filter) {
      if (filter.ids === undefined || filter.ids.includes(shown.id)) yield shown;
    },
    counts: async () => ({
      messages: 1,
      recipients: 1,
      byStatus: { due: 0, active: 0, deferred: 1, held: 0 },
      byNextHop: { 'mx:example.com': 1 },
      oldest: 7200,
    }),
    headers: async () => 'Subject: x\r\n',
    act: async (action, filter, options) => {
      acted.push({ action, filter, dryRun: options.dryRun, reason: options.reason });
      return acts;
    },
  };
  const found = (address: string): Lookup =>
    address === 'ada@example.org'
      ? { found: 'one', entry: ada, by: 'exact', groups: new Set(['staff@example.org']) }
      : { found: 'nobody' };
  const services: Services = {
    queue,
    trace: {
      record() {},
      async *find(query) {
        if (query.recipient !== 'nobody@example.org') yield* story;
      },
    },
    directory: {
      lookup: async (addresses) => addresses.map((address) => found(address.text)),
      entry: async () => ada,
      async *members() {},
      health: async () => [{ source: 'staff', entries: 4, tooOld: false, problems: [] }],
    },
    homes: {
      flip: async (id, site, why) => void flips.push(`${id} ${site} ${why}`),
      clear: async (id, why) => void flips.push(`${id} cleared ${why}`),
      override: async () => undefined,
    },
    routing: {
      route: async () => ({ verdict: 'hold', reason: '', because: [] }),
      routeAll: async () => [],
      headerNames: [],
    },
    compiled: compile({
      domains: [],
      sites: {},
      homes: { rules: [], byKind: {} },
      groups: { moderated: 'hold' },
      rules: [],
      disabled: 'deliver',
    }),
    sites: ['onprem', 'cloud'],
    hosted: () => Promise.reject(new Error('no mailboxes here')),
    refreshDirectory: async (wish) => void wishes.push(wish),
    close: async () => {
      closed += 1;
    },
  };
  const run = async (...words: string[]) => {
    const make = { queue: queueCommand, trace: traceCommand, directory: directoryCommand, home: homeCommand }[
      words[0] ?? ''
    ];
    const command = make?.(async () => services, terminal).exitOverride();
    await command?.parseAsync(words.slice(1), { from: 'user' });
    return { out: out.join('\n'), err: err.join('\n'), code, acted, flips, wishes, closed };
  };
  return run;
}

test('queue list shows each recipient with status, next hop, tries and reply', async () => {
  const { out, closed } = await stage()('queue', 'list');
  expect(out).toContain(
    '4Hq7Zk2mYx9b   2h  12.3K  ada@example.org  bob@example.com  deferred  mx:example.com      3',
  );
  expect(out).toContain('450 4.2.1 try ?later');
  expect(closed).toBe(1);
});

test('queue list --json is what the port gave', async () => {
  expect(JSON.parse((await stage()('queue', 'list', '--json')).out)[0].recipients[0].nextHop).toBe(
    'mx:example.com',
  );
});

test('queue show of a message that is gone points to the trace and exits with 1', async () => {
  const { err, code } = await stage()('queue', 'show', 'gone');
  expect(err).toContain('isthmus trace --queue-id gone');
  expect(code).toBe(1);
});

test('delete without --yes only counts; with --yes it deletes', async () => {
  const counted = await stage()('queue', 'delete', '--recipient', '@example.com');
  expect(counted.acted).toEqual([
    { action: 'delete', filter: { recipient: '@example.com' }, dryRun: true, reason: undefined },
  ]);
  expect(counted.out).toContain(
    'Would delete 3 recipients of 2 messages. 1 recipients are in delivery right now',
  );
  const done = await stage()('queue', 'delete', '--recipient', '@example.com', '--yes');
  expect(done.acted).toMatchObject([{ dryRun: false }]);
});

test('hold acts at once, and --dry-run does not', async () => {
  expect((await stage()('queue', 'hold', 'A', 'B', '--reason', 'legal')).acted).toEqual([
    { action: 'hold', filter: { ids: ['A', 'B'] }, dryRun: false, reason: 'legal' },
  ]);
  expect((await stage()('queue', 'hold', '--all', '--dry-run')).acted).toMatchObject([
    { dryRun: true, filter: {} },
  ]);
});

test('no action is taken on everything by mistake', async () => {
  const { acted, err, code } = await stage()('queue', 'delete', '--yes');
  expect(acted).toEqual([]);
  expect(err).toContain('--all means every one');
  expect(code).toBe(64);
});

test('an unknown status is refused with the known ones', async () => {
  await expect(stage()('queue', 'list', '--status', 'stuck')).rejects.toThrow(
    '"stuck" is none of due, active, deferred, held',
  );
});

test('trace tells a story with its reasons', async () => {
  const { out } = await stage()('trace', '--queue-id', 'Q1');
  expect(out).toContain(
    'delivered  bob@example.com  peer=mx.example.com[192.0.2.1]:25 (TLSv1.3 verified)  reply=250 ok',
  );
  expect(out).toContain('because home is cloud');
});

test('trace without a question is refused, and a question without an answer exits with 1', async () => {
  expect((await stage()('trace')).code).toBe(64);
  expect((await stage()('trace', '--recipient', 'nobody@example.org')).code).toBe(1);
});

test('directory status and lookup', async () => {
  expect((await stage()('directory', 'status')).out).toContain('staff         4  never read  good');
  expect((await stage()('directory', 'lookup', 'ada@example.org')).out).toContain(
    'groups     staff@example.org',
  );
  expect((await stage()('directory', 'lookup', 'eve@example.org')).code).toBe(1);
});

test('home set lays a home over the directory and says who did it', async () => {
  const { flips, out } = await stage()('home', 'set', 'ada@example.org', 'cloud', '--reason', 'pilot');
  expect(flips).toEqual(['staff/1 cloud root: pilot']);
  expect(out).toBe('ada@example.org: cloud (override)');
});

test('home set refuses a site that is not configured', async () => {
  const { flips, err, code } = await stage()('home', 'set', 'ada@example.org', 'moon', '--reason', 'pilot');
  expect(flips).toEqual([]);
  expect(err).toContain('there are onprem, cloud');
  expect(code).toBe(64);
});

test('nothing that a stranger wrote steers the terminal of whoever looks at it', async () => {
  const [recipient] = message.recipients;
  const hostile = {
    ...message,
    sender: 'a\u009b31m@example.org',
    messageId: '<1\u001b[2J@x>',
    recipients: [{ ...recipient!, address: 'b\u202e\u009bx@example.com', peer: 'mx\u0007' }],
  };
  for (const words of [['show', message.id], ['list']]) {
    const { out } = await stage(hostile)('queue', ...words);
    expect(out).toContain('b??x@example.com');
    expect(out.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
  }
});

test.each([
  ['queue', 'list', '--limit', 'many'],
  ['queue', 'list', '--limit', '0'],
  ['queue', 'list', '--status', 'stuck'],
  ['queue', 'list', '--older-than', 'soon'],
  ['queue', 'delete', '--reply', '', '--yes'],
  ['queue', 'delete', '--recipient', '', '--yes'],
  ['queue', 'delete', '--next-hop', '', '--yes'],
  ['trace', '--recipient', 'a@b.example', '--limit', '-1'],
  ['directory', 'lookup', 'nonsense'],
])('wrong usage is said, and nothing is done: %s %s %s %j', async (...words) => {
  const run = stage();
  await expect(run(...words)).rejects.toThrow(UsageError);
});

test('a message that is named and not there is no success; a filter that matches nothing is', async () => {
  const none = { messages: 0, recipients: 0, busy: 0 };
  expect((await stage(message, none)('queue', 'release', 'gone')).code).toBe(1);
  expect((await stage(message, none)('queue', 'release', '--all')).code).toBe(0);
  expect((await stage()('queue', 'release', 'A')).code).toBe(0);
});

test('a large loss in the directory is accepted by asking for it, as its trouble says', async () => {
  expect((await stage()('directory', 'refresh')).wishes).toEqual([{ full: false, acceptLoss: false }]);
  expect((await stage()('directory', 'refresh', '--full')).wishes).toEqual([
    { full: true, acceptLoss: false },
  ]);
  expect((await stage()('directory', 'refresh', '--accept-loss')).wishes).toEqual([
    { full: true, acceptLoss: true },
  ]);
});
