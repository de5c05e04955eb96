/** Who is told what, and when: NOTIFY, RET, ENVID, ORCPT, delays, expiry, groups, and reports about reports. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveryStatus } from '../../src/mail/delivery.ts';
import type { Notify } from '../../src/mail/envelope.ts';
import { parseReport } from '../../src/protocol/dsn/parse.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import {
  address,
  Bench,
  busy,
  copyTo,
  deliverTo,
  hours,
  minutes,
  ok,
  sample,
  unknown,
  until,
} from './fakes.ts';

let fresh: FreshDatabase;
let bench: Bench;

beforeEach(async () => {
  fresh = await freshDatabase();
  bench = new Bench(fresh.database);
});
afterEach(async () => {
  await bench.close();
  await fresh.drop();
});

const reportsTo = (who = 'sender@example.org') =>
  bench.peer.to(who).map(({ content, transaction, recipients }) => {
    const report = parseReport(content);
    if (!report) throw new Error(`no report: ${content}`);
    return { report, content: content.toString(), transaction, recipients };
  });

const delegated: DeliveryStatus = { ...ok, dsnTakenOver: true };

describe('NOTIFY decides who is told (RFC 3461 §4.1)', () => {
  //   NOTIFY                           outcome     reports
  const table: [readonly Notify[] | undefined, DeliveryStatus, string[]][] = [
    [undefined, ok, []],
    [undefined, unknown, ['failed']],
    [undefined, busy, ['delayed', 'failed']],
    [['never'], ok, []],
    [['never'], unknown, []],
    [['never'], busy, []],
    [['success'], ok, ['relayed']],
    [['success'], { ...ok, final: true }, ['delivered']],
    [['success'], { ...delegated, final: true }, []],
    [['success'], delegated, []],
    [['success'], unknown, []],
    [['success'], busy, []],
    [['failure'], ok, []],
    [['failure'], unknown, ['failed']],
    [['failure'], busy, ['failed']],
    [['delay'], unknown, []],
    [['delay'], busy, ['delayed']],
    [['success', 'failure'], ok, ['relayed']],
    [['success', 'failure', 'delay'], busy, ['delayed', 'failed']],
  ];

  test.each(
    table.map(
      ([notify, status, expected]) =>
        [
          notify?.join() ?? 'absent',
          status.outcome,
          status.dsnTakenOver === true,
          { notify, status, expected },
        ] as const,
    ),
  )(
    'NOTIFY %s, outcome %s, taken over %s',
    async (_notify, _outcome, _taken, { notify, status, expected }) => {
      bench.work({ retry: [hours(5)] });
      bench.peer.answer = ({ address: { domain } }) => (domain === 'example.org' ? ok : status);
      await bench.accept({ to: [{ address: address('bob@x.example'), ...(notify ? { notify } : {}) }] });
      await bench.settled();
      for (const ahead of [4.1, 10, 130]) {
        bench.pass(hours(ahead));
        await bench.settled();
      }
      await bench.empty();
      expect(reportsTo().map(({ report }) => report.recipients[0]?.action)).toEqual(expected);
    },
  );
});

test('a report names sender, envelope id, original recipient, peer and its words, and gives the header back', async () => {
  bench.work();
  bench.peer.answer = ({ address: { domain } }) => (domain === 'x.example' ? unknown : ok);
  const id = await bench.accept({
    to: [{ address: address('bob@x.example'), orcpt: 'rfc822;robert@y.example' }],
    transaction: { envid: 'QQ314159', ret: 'hdrs' },
  });
  await bench.empty();
  const [{ report, content, transaction, recipients } = fail()] = reportsTo();
  expect(transaction).toMatchObject({ sender: null, smtputf8: false, body: '7bit' });
  expect(recipients[0]?.notify).toEqual(['never']);
  expect(report).toMatchObject({
    envid: 'QQ314159',
    reportingMta: 'dns; gate.example',
    recipients: [
      {
        original: 'robert@y.example',
        final: 'bob@x.example',
        action: 'failed',
        status: '5.1.1',
        remoteMta: 'dns; peer.example',
        diagnostic: 'smtp; 550 5.1.1 no such mailbox',
      },
    ],
    returnedType: 'text/rfc822-headers',
  });
  expect(report.returned?.toString()).toBe(sample.slice(0, sample.indexOf('\r\n\r\n') + 2));
  expect(content).toContain('Auto-Submitted: auto-replied');
  expect(content).toContain('References: <1@example.org>');
  expect(content).toMatch(/Please check the address/);
  expect(content).not.toContain('Hello.');
  const told = (await bench.story(id)).find((row) => row.event === 'reported');
  expect(told?.detail).toMatchObject({ to: 'sender@example.org', kind: 'failure' });
});

test('RET=FULL gives the whole message back, up to the limit', async () => {
  bench.work({ reports: { returnLimit: 1000 } });
  bench.peer.answer = ({ address: { domain } }) => (domain === 'x.example' ? unknown : ok);
  await bench.accept({ to: ['a@x.example'], transaction: { ret: 'full' } });
  await bench.accept({
    to: ['b@x.example'],
    transaction: { ret: 'full' },
    text: sample + 'long line\r\n'.repeat(200),
  });
  await bench.empty();
  const types = new Map(reportsTo().map(({ report }) => [report.recipients[0]?.final, report]));
  expect(types.get('a@x.example')).toMatchObject({
    returnedType: 'message/rfc822',
    returned: Buffer.from(sample),
  });
  expect(types.get('b@x.example')?.returnedType).toBe('text/rfc822-headers');
});

test('recipients that fail together are told of together; a mailing list of their own apart', async () => {
  bench.work();
  bench.peer.answer = ({ address: { domain } }) => (domain === 'x.example' ? unknown : ok);
  await bench.accept({ to: ['a@x.example', 'b@x.example', 'c@x.example'] });
  await bench.empty();
  expect(reportsTo().map(({ report }) => report.recipients.map((one) => one.final).sort())).toEqual([
    ['a@x.example', 'b@x.example', 'c@x.example'],
  ]);
});

test('a delay is told once, with the time until which we try; expiry says the last answer', async () => {
  bench.work();
  bench.peer.answer = ({ address: { domain } }) => (domain === 'x.example' ? busy : ok);
  await bench.accept({ to: ['bob@x.example'] });
  await bench.settled();
  for (let count = 0; count < 6; count += 1) {
    bench.pass(hours(4.5));
    await bench.settled();
  }
  await until(() => reportsTo().length > 0, 'no warning');
  expect(reportsTo().map(({ report }) => report.recipients[0]?.action)).toEqual(['delayed']);
  expect(reportsTo()[0]?.report.recipients[0]).toMatchObject({
    status: '4.3.0',
    willRetryUntil: expect.stringMatching(/GMT|\+0000/),
  });
  bench.pass(hours(120));
  await bench.empty();
  const [, last] = reportsTo();
  expect(last?.report.recipients[0]).toMatchObject({ action: 'failed', status: '5.4.7' });
  expect(last?.report.recipients[0]?.diagnostic).toContain('451 4.3.0 busy');
});

test('a report never begets a report; the trace tells of its end', async () => {
  bench.work();
  bench.peer.answer = () => unknown;
  const id = await bench.accept({ from: null, to: ['bob@x.example'] });
  await bench.empty();
  expect((await bench.story(id)).map((row) => row.event)).toEqual(['accepted', 'failed', 'done']);
  expect(await bench.count('message')).toBe(0);
});

test('a report that cannot be delivered is told to the postmaster, where one is named, and no further', async () => {
  bench.work({ doubleBounces: 'postmaster@gate.example' });
  bench.peer.answer = () => unknown;
  await bench.accept({ to: ['bob@x.example'] });
  await until(
    async () => (await bench.count('trace')) > 4 && (await bench.count('message')) === 0,
    'it goes on',
  );
  const rows = await fresh.database.query<{ recipients: string[] }>(
    "select detail->'recipients' as recipients from trace where event = 'accepted' order by id",
    [],
  );
  expect(rows.map((row) => row.recipients[0])).toEqual([
    'bob@x.example',
    'sender@example.org',
    'postmaster@gate.example',
  ]);
});

test('beyond ASCII: UTF-8 types for a sender who can take them, escapes for one who cannot (RFC 6533)', async () => {
  bench.work();
  bench.peer.answer = ({ address: { local } }) => (local === 'jürgen' ? unknown : ok);
  await bench.accept({ to: ['jürgen@x.example'], transaction: { smtputf8: true } });
  await bench.accept({ from: 'other@example.org', to: ['jürgen@x.example'] });
  await bench.accept({ from: 'änne@example.org', to: ['jürgen@x.example'], transaction: { smtputf8: true } });
  await bench.empty();
  const [can] = reportsTo();
  expect(can?.content).toContain('message/global-delivery-status');
  expect(can?.content).toContain('Final-Recipient: utf-8; jürgen@x.example');
  expect(can?.transaction).toMatchObject({ body: '8bitmime', smtputf8: false });
  const [cannot] = reportsTo('other@example.org');
  expect(cannot?.content).toContain('Content-Type: message/delivery-status');
  expect(cannot?.content).toContain('Final-Recipient: utf-8; j\\x{FC}rgen@x.example');
  expect(cannot?.content).toMatch(/^[\x00-\x7f]*$/);
  expect(cannot?.report.recipients[0]?.final).toBe('jürgen@x.example');
  expect(reportsTo('änne@example.org')[0]?.transaction).toMatchObject({ smtputf8: true });
});

describe('groups', () => {
  const member = (text: string) => ({ kind: 'entry' as const, address: address(text), entryId: text });
  const nested = (id: string, text?: string) => ({
    kind: 'group' as const,
    id,
    ...(text === undefined ? {} : { address: address(text) }),
  });
  let reportTo: Record<string, ReturnType<typeof address> | null> = {};

  beforeEach(() => {
    reportTo = {};
    bench.groups.clear();
    bench.routing.decide = (question) => {
      const id = question.recipient.local;
      if (question.recipient.domain !== 'groups.example') return deliverTo(copyTo(question.recipient));
      if (question.expandedFrom?.includes(id)) throw new Error('expanded twice');
      const to = reportTo[id];
      return {
        verdict: 'expand',
        group: { id, address: question.recipient, ...(to === undefined ? {} : { reportTo: to }) },
        because: ['directory: a group'],
      };
    };
  });

  test('members get one copy each: nested, in two groups, in the envelope as well, and loops are cut', async () => {
    bench.groups.set('all', [
      member('a@x.example'),
      nested('dev', 'dev@groups.example'),
      nested('ops'),
      { kind: 'unusable', where: 'cn=x', why: 'no address' },
    ]);
    bench.groups.set('dev', [
      member('b@x.example'),
      member('A@x.example'),
      nested('all', 'all@groups.example'),
    ]);
    bench.groups.set('ops', [member('c@x.example'), member('b@x.example'), nested('ops'), nested('all')]);
    bench.work();
    const id = await bench.accept({ to: ['all@groups.example', 'c@x.example'] });
    await bench.empty();
    const got = bench.peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text));
    expect(got.toSorted()).toEqual(['a@x.example', 'b@x.example', 'c@x.example']);
    const told = (await bench.story(id)).filter((row) => row.event === 'expanded');
    expect(told.map((row) => row.detail.group).toSorted()).toEqual(['all', 'dev']);
    expect(told.find((row) => row.detail.group === 'all')?.detail).toMatchObject({
      unusable: 1,
      skipped: ['cn=x: no address'],
    });
  });

  test('a group of five thousand is delivered to each member once, in transactions of bearable size', async () => {
    bench.groups.set(
      'big',
      Array.from({ length: 5000 }, (_, index) => member(`u${index}@x.example`)),
    );
    bench.work();
    await bench.accept({ to: ['big@groups.example'] });
    await bench.empty();
    const got = bench.peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text));
    expect(got).toHaveLength(5000);
    expect(new Set(got).size).toBe(5000);
    expect(Math.max(...bench.peer.deliveries.map(({ recipients }) => recipients.length))).toBeLessThanOrEqual(
      100,
    );
  });

  test('success is reported as expanded, and not asked of members; failures go to the sender', async () => {
    bench.groups.set('dev', [member('good@x.example'), member('bad@x.example')]);
    bench.peer.answer = ({ address: { local } }) => (local === 'bad' ? unknown : ok);
    bench.work();
    await bench.accept({
      to: [
        {
          address: address('dev@groups.example'),
          notify: ['success', 'failure'],
          orcpt: 'rfc822;dev@groups.example',
        },
      ],
    });
    await bench.empty();
    expect(bench.peer.to('good@x.example')[0]?.recipients).toEqual([
      { address: address('good@x.example'), notify: ['failure'], orcpt: 'rfc822;dev@groups.example' },
    ]);
    const actions = reportsTo().map(
      ({ report }) => `${report.recipients[0]?.action} ${report.recipients[0]?.final}`,
    );
    expect(actions.toSorted()).toEqual(['expanded dev@groups.example', 'failed bad@x.example']);
  });

  test('failures of members go to the owner where the group says so, who is also the return path', async () => {
    reportTo = { dev: address('owner@example.org') };
    bench.groups.set('dev', [member('good@x.example'), member('bad@x.example')]);
    bench.peer.answer = ({ address: { local } }) => (local === 'bad' ? unknown : ok);
    bench.work();
    await bench.accept({
      to: [{ address: address('dev@groups.example'), notify: ['never'] }],
      transaction: { envid: 'x' },
    });
    await bench.empty();
    const [got] = bench.peer.to('good@x.example');
    expect(got?.transaction.sender?.text).toBe('owner@example.org');
    expect(got?.transaction.envid).toBeUndefined();
    expect(got?.recipients).toEqual([{ address: address('good@x.example') }]);
    expect(reportsTo('owner@example.org').map(({ report }) => report.recipients[0]?.final)).toEqual([
      'bad@x.example',
    ]);
    expect(reportsTo()).toEqual([]);
  });

  test('or to nobody; and a report sent to a group keeps its empty return path', async () => {
    reportTo = { quiet: null, dev: address('owner@example.org') };
    bench.groups.set('quiet', [member('bad@x.example')]);
    bench.groups.set('dev', [member('good@x.example')]);
    bench.peer.answer = ({ address: { local } }) => (local === 'bad' ? unknown : ok);
    bench.work();
    await bench.accept({ to: ['quiet@groups.example'] });
    await bench.accept({ from: null, to: ['dev@groups.example'] });
    await bench.empty();
    expect(bench.peer.deliveries.map(({ recipients }) => recipients[0]?.address.text)).toEqual([
      'good@x.example',
    ]);
    expect(bench.peer.deliveries[0]?.transaction.sender).toBeNull();
  });

  test('where the postmaster is a group, a member who cannot be reached begets no more reports', async () => {
    bench.work({ doubleBounces: 'postmaster@groups.example' });
    bench.groups.set('postmaster', [member('gone@x.example')]);
    bench.peer.answer = () => unknown;
    await bench.accept({ to: ['bob@x.example'] });
    await until(async () => (await bench.count('trace')) > 8, 'the report did not get that far');
    await bench.empty();
    const rows = await fresh.database.query("select 1 from trace where event = 'accepted'", []);
    expect(rows).toHaveLength(3);
  });

  test('a journal copy of the group’s own address is made once, beside its members’', async () => {
    bench.groups.set('dev', [member('a@x.example'), member('b@x.example')]);
    const decide = bench.routing.decide;
    bench.routing.decide = (question) => {
      const decision = decide(question);
      if (decision.verdict !== 'expand') return decision;
      return { ...decision, copies: [copyTo(address('archive@journal.example'), { purpose: 'journal' })] };
    };
    bench.work();
    await bench.accept({ to: ['dev@groups.example'] });
    await bench.empty();
    const got = bench.peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text));
    expect(got.toSorted()).toEqual(['a@x.example', 'archive@journal.example', 'b@x.example']);
  });

  test('many groups at once are expanded a few at a time: each holds a connection while it wants another', async () => {
    bench.groups.set('dev', [member('a@x.example'), member('b@x.example')]);
    bench.work();
    await Promise.all(Array.from({ length: 30 }, () => bench.accept({ to: ['dev@groups.example'] })));
    await bench.empty();
    expect(bench.peer.to('a@x.example')).toHaveLength(30);
    expect(bench.reading.most).toBeLessThanOrEqual(2);
  });

  test('a group whose members have no addresses fails; an empty one is expanded to nobody', async () => {
    bench.groups.set('broken', [{ kind: 'unusable', where: 'cn=x', why: 'no address' }]);
    bench.groups.set('empty', []);
    bench.work();
    await bench.accept({ to: ['broken@groups.example'] });
    const id = await bench.accept({ from: 'b@example.org', to: ['empty@groups.example'] });
    await bench.empty();
    expect(reportsTo()[0]?.report.recipients[0]).toMatchObject({ action: 'failed', status: '5.2.4' });
    expect((await bench.story(id)).map((row) => row.event)).toEqual(['accepted', 'expanded', 'done']);
  });

  test('a directory that is away defers the group, and members come once when it is back', async () => {
    let away = true;
    bench.groups.set('dev', [member('a@x.example'), member('b@x.example')]);
    const { groups } = bench;
    bench.work(
      { delayWarning: 0 },
      {
        directory: {
          async *members(id) {
            const [first, ...rest] = groups.get(id) ?? [];
            if (first) yield first;
            if (away) throw new Error('connection reset');
            yield* rest;
          },
        },
      },
    );
    await bench.accept({ to: ['dev@groups.example'] });
    await bench.settled();
    away = false;
    bench.pass(minutes(7));
    await bench.empty();
    const got = bench.peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text));
    expect(got.toSorted()).toEqual(['a@x.example', 'b@x.example']);
  });
});

function fail(): never {
  throw new Error('there is no report');
}
