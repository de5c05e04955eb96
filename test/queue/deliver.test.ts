/** One message's way through spool and worker: fidelity, partial success, retries, header changes, additional copies. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DeliveryStatus } from '../../src/mail/delivery.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import {
  address,
  Bench,
  busy,
  copyTo,
  deliverTo,
  down,
  hours,
  minutes,
  ok,
  received,
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

test('a message is delivered as it came, under our trace field, and its story is told', async () => {
  bench.work();
  const id = await bench.accept({ to: ['bob@example.net'] });
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(1);
  const [got] = bench.peer.deliveries;
  expect(got?.content.toString()).toBe(received + sample);
  expect(got?.size).toBe(received.length + sample.length);
  const story = await bench.story(id);
  expect(story.map((row) => row.event)).toEqual(['accepted', 'delivered', 'done']);
  expect(story[0]?.detail).toMatchObject({
    sender: 'sender@example.org',
    messageId: '<1@example.org>',
    size: sample.length,
  });
  expect(story[1]).toMatchObject({
    recipient: 'bob@example.net',
    because: ['test: deliver'],
    detail: {
      nextHop: 'mx:example.net',
      reply: '250 2.0.0 taken',
      attempt: 1,
      peer: { host: 'peer.example' },
    },
  });
  expect([await bench.count('message'), await bench.count('recipient')]).toEqual([0, 0]);
});

test('a message larger than the inline limit goes by the blob store and comes out whole', async () => {
  bench.work();
  const text = Buffer.concat([Buffer.from(sample), Buffer.alloc(300_000, `${'x'.repeat(70)}\r\n`)]);
  await bench.accept({ to: ['bob@example.net'], text });
  await bench.empty();
  expect(bench.blobs.kept.size).toBe(1);
  expect(bench.peer.deliveries[0]?.content.equals(Buffer.concat([Buffer.from(received), text]))).toBe(true);
});

test('recipients of one next hop share a transaction; others do not see them', async () => {
  bench.work();
  await bench.accept({ to: ['a@one.example', 'b@one.example', 'c@two.example'] });
  await bench.empty();
  const seen = bench.peer.deliveries.map(({ recipients }) =>
    recipients.map((one) => one.address.text).sort(),
  );
  expect(seen.sort()).toEqual([['a@one.example', 'b@one.example'], ['c@two.example']]);
});

test('an address given twice, in two spellings, is one delivery', async () => {
  bench.work();
  await bench.accept({ to: ['Bob@Example.net', 'bob@example.net'] });
  await bench.empty();
  expect(bench.peer.deliveries.flatMap(({ recipients }) => recipients)).toHaveLength(1);
});

test('partial success: each recipient goes its own way, nobody gets it twice', async () => {
  bench.work({ delayWarning: 0 });
  let free = false;
  bench.peer.answer = ({ address: { local } }) =>
    local === 'bad' ? unknown : local === 'slow' && !free ? busy : ok;
  const id = await bench.accept({ to: ['good@x.example', 'bad@x.example', 'slow@x.example'] });
  await bench.settled();
  expect(bench.peer.to('good@x.example')).toHaveLength(1);
  expect(await bench.count('message')).toBe(2 - bench.peer.to('sender@example.org').length);
  free = true;
  bench.pass(minutes(10));
  await bench.empty();
  expect(bench.peer.to('good@x.example')).toHaveLength(1);
  expect(bench.peer.to('slow@x.example')).toHaveLength(1);
  expect(bench.peer.to('bad@x.example')).toHaveLength(0);
  expect(bench.peer.to('sender@example.org')).toHaveLength(1);
  const events = (await bench.story(id)).map((row) => `${row.event} ${row.recipient ?? ''}`.trim());
  expect(events.toSorted()).toEqual(
    [
      'accepted',
      'deferred slow@x.example',
      'delivered good@x.example',
      'delivered slow@x.example',
      'done',
      'failed bad@x.example',
      'reported',
    ].toSorted(),
  );
  expect(events.at(-1)).toBe('done');
});

test('tries come by the schedule, greylisting sooner', async () => {
  bench.work({ delayWarning: 0 }, { random: () => 0.5 });
  const grey: DeliveryStatus = { ...busy, greylisted: true };
  bench.peer.answer = ({ address: { local } }) => (local === 'grey' ? grey : busy);
  await bench.accept({ to: ['grey@x.example', 'plain@x.example'] });
  await bench.settled();
  const rows = await fresh.database.query<{
    address: string;
    due_at: Date;
    attempts: number;
    reply: string;
    next_hop: string;
  }>('select address, due_at, attempts, reply, next_hop from recipient order by address', []);
  const inMinutes = rows.map((row) => Math.round((row.due_at.getTime() - Date.now()) / 60_000));
  expect(inMinutes).toEqual([2, 5]);
  expect(rows[1]).toMatchObject({ attempts: 1, reply: '451 4.3.0 busy', next_hop: 'mx:x.example' });
  bench.pass(minutes(6));
  await until(
    async () => (await fresh.database.query('select 1 from recipient where attempts = 2', [])).length === 2,
    'no second try',
  );
});

test('the route is asked again before each try: the person may have moved', async () => {
  bench.work({ delayWarning: 0 });
  bench.routing.decide = ({ recipient }) =>
    deliverTo(copyTo(recipient, { nextHop: { kind: 'site', site: 'onprem' } }));
  bench.peer.answer = (_recipient, task) =>
    task.nextHop.kind === 'site' && task.nextHop.site === 'onprem' ? busy : ok;
  await bench.accept({ to: ['bob@example.net'] });
  await bench.settled();
  bench.routing.decide = () =>
    deliverTo(copyTo(address('bob@tenant.example'), { nextHop: { kind: 'site', site: 'cloud' } }));
  bench.pass(minutes(10));
  await bench.empty();
  const [got] = bench.peer.deliveries;
  expect(got?.nextHop).toEqual({ kind: 'site', site: 'cloud' });
  expect(got?.recipients).toEqual([
    { address: address('bob@tenant.example'), orcpt: 'rfc822;bob@example.net' },
  ]);
});

test('ORCPT of the client is kept when the address is rewritten', async () => {
  bench.work();
  bench.routing.decide = () => deliverTo(copyTo(address('bob@tenant.example')));
  await bench.accept({
    to: [{ address: address('bob@example.net'), orcpt: 'rfc822;robert@example.com', notify: ['failure'] }],
  });
  await bench.empty();
  expect(bench.peer.deliveries[0]?.recipients).toEqual([
    { address: address('bob@tenant.example'), orcpt: 'rfc822;robert@example.com', notify: ['failure'] },
  ]);
});

test('header fields are put on top and taken out, and nothing else is touched', async () => {
  bench.work();
  const text =
    'X-Bad-One: 1\r\n\tfolded\r\nSubject: X-Bad-Two: no field\r\nX-BAD-two : 2\r\n\r\nX-Bad-Three: body\r\n';
  bench.routing.decide = ({ recipient }) =>
    deliverTo(copyTo(recipient, { addHeaders: ['X-Rule: legal', 'X-Seen: é'], removeHeaders: ['x-bad-*'] }));
  await bench.accept({ to: ['bob@example.net'], text });
  await bench.empty();
  const [got] = bench.peer.deliveries;
  expect(got?.content.toString()).toBe(
    `X-Rule: legal\r\nX-Seen: é\r\n${received}Subject: X-Bad-Two: no field\r\n\r\nX-Bad-Three: body\r\n`,
  );
  expect(got?.size).toBe(got?.content.length);
});

test('a rule sees the header fields it asked for, and no others', async () => {
  bench.work();
  bench.routing.headerNames = ['subject', 'x-none'];
  await bench.accept({
    to: ['bob@example.net'],
    text: 'From: a@b.c\r\nSubject: one\r\n two\r\nSubject: three\r\n\r\nSubject: body\r\n',
  });
  await bench.empty();
  expect(bench.routing.questions.at(-1)?.headers).toEqual(new Map([['subject', ['one two', 'three']]]));
});

test('dual delivery and journal: each copy once, whatever becomes of the others', async () => {
  bench.work({ delayWarning: 0 });
  let cloudUp = false;
  bench.routing.decide = ({ recipient }) => {
    if (recipient.domain === 'example.org') return deliverTo(copyTo(recipient));
    return deliverTo(
      copyTo(recipient, { nextHop: { kind: 'site', site: 'onprem' } }),
      copyTo(address('bob@cloud.example'), { nextHop: { kind: 'site', site: 'cloud' }, purpose: 'dual' }),
      copyTo(address('archive@journal.example'), {
        nextHop: { kind: 'site', site: 'journal' },
        purpose: 'journal',
        sender: null,
      }),
    );
  };
  bench.peer.answer = (_one, { nextHop }) => {
    const site = nextHop.kind === 'site' ? nextHop.site : '';
    return site === 'cloud' ? (cloudUp ? ok : busy) : site === 'journal' ? unknown : ok;
  };
  const id = await bench.accept({
    to: [{ address: address('bob@example.net'), notify: ['failure', 'success'] }],
  });
  await bench.settled();
  expect(bench.peer.to('bob@example.net')).toHaveLength(1);
  cloudUp = true;
  bench.pass(minutes(10));
  await bench.empty();
  expect(bench.peer.to('bob@example.net')).toHaveLength(1);
  expect(bench.peer.to('bob@cloud.example')).toHaveLength(1);
  expect(bench.peer.to('bob@cloud.example')[0]?.recipients[0]?.notify).toEqual(['never']);
  // One report of success for the recipient's own copy; none of the journal's failure.
  expect(bench.peer.to('sender@example.org')).toHaveLength(1);
  const failed = (await bench.story(id)).filter((row) => row.event === 'failed');
  expect(failed.map((row) => row.detail.purpose)).toEqual(['journal']);
});

test('no recipient’s address keeps another’s journal copy from being made', async () => {
  bench.work();
  bench.routing.decide = ({ recipient }) =>
    recipient.local !== 'bob'
      ? deliverTo(copyTo(recipient))
      : deliverTo(
          copyTo(recipient),
          copyTo(address('archive@journal.example'), {
            nextHop: { kind: 'site', site: 'journal' },
            purpose: 'journal',
          }),
        );
  await bench.accept({ to: ['bob@example.net', '"journal|site:journal|0|bob"@example.net'] });
  await bench.empty();
  expect(bench.peer.to('bob@example.net')).toHaveLength(1);
  expect(bench.peer.to('archive@journal.example')).toHaveLength(1);
});

test('a recipient tried again is not copied again', async () => {
  bench.work({ delayWarning: 0 });
  let up = false;
  bench.routing.decide = ({ recipient }) =>
    deliverTo(
      copyTo(recipient, { nextHop: { kind: 'site', site: 'onprem' } }),
      copyTo(address('copy@cloud.example'), { nextHop: { kind: 'site', site: 'cloud' }, purpose: 'dual' }),
    );
  bench.peer.answer = (_one, { nextHop }) =>
    nextHop.kind === 'site' && nextHop.site === 'onprem' && !up ? busy : ok;
  await bench.accept({ to: ['bob@example.net'] });
  await bench.settled();
  bench.pass(minutes(10));
  await until(
    async () => (await fresh.database.query('select 1 from recipient where attempts = 2', [])).length === 1,
    'no second try',
  );
  up = true;
  bench.pass(hours(1));
  await bench.empty();
  expect(bench.peer.to('copy@cloud.example')).toHaveLength(1);
  expect(bench.peer.to('bob@example.net')).toHaveLength(1);
});

test('a recipient of whom only a journal copy is wanted: the copy is made, and that is all', async () => {
  bench.work();
  bench.routing.decide = () => deliverTo(copyTo(address('archive@journal.example'), { purpose: 'journal' }));
  await bench.accept({ to: ['bob@example.net'] });
  await bench.empty();
  expect(bench.peer.deliveries.map(({ recipients }) => recipients[0]?.address.text)).toEqual([
    'archive@journal.example',
  ]);
});

test('a decision to deliver without any copy loses nothing', async () => {
  bench.work({ delayWarning: 0 });
  bench.routing.decide = () => deliverTo();
  await bench.accept({ to: ['bob@example.net'] });
  await bench.settled();
  bench.routing.decide = ({ recipient }) => deliverTo(copyTo(recipient));
  bench.pass(minutes(10));
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(1);
});

test('refused, deferred and held by routing: report, later, and waiting for an operator', async () => {
  bench.work({ delayWarning: 0 });
  const because = ['rule test'];
  bench.routing.decide = (question) => {
    const { local } = question.recipient;
    if (local === 'no')
      return { verdict: 'refuse', reply: { code: 550, enhanced: '5.7.1', lines: ['not here'] }, because };
    if (local === 'later')
      return { verdict: 'defer', reply: { code: 451, enhanced: '4.3.0', lines: ['not yet'] }, because };
    if (local === 'hold') return { verdict: 'hold', reason: 'legal', because };
    return deliverTo(copyTo(question.recipient));
  };
  await bench.accept({ to: ['no@x.example', 'later@x.example', 'hold@x.example'] });
  await bench.settled();
  await until(() => bench.peer.to('sender@example.org').length === 1, 'no report');
  const rows = await fresh.database.query(
    "select address, status, reply, hold_reason, because from recipient where status <> 'done' order by address",
    [],
  );
  expect(rows).toEqual([
    { address: 'hold@x.example', status: 'held', reply: null, hold_reason: 'legal', because },
    { address: 'later@x.example', status: 'due', reply: '451 4.3.0 not yet', hold_reason: null, because },
  ]);
});

test('routing that cannot answer now defers; one bad question does not spoil the others', async () => {
  bench.work({ delayWarning: 0 });
  bench.routing.decide = ({ recipient }) => {
    if (recipient.local === 'poison') throw new TypeError('a defect');
    return deliverTo(copyTo(recipient));
  };
  await Promise.all(['a', 'poison', 'b'].map((local) => bench.accept({ to: [`${local}@x.example`] })));
  await until(() => bench.peer.deliveries.length === 2, 'the others are not delivered');
  await bench.settled();
  const rows = await fresh.database.query('select address, reply from recipient', []);
  expect(rows).toEqual([{ address: 'poison@x.example', reply: '451 4.3.0 Mail system trouble' }]);
});

test('a destination that is down is left alone, and its mail goes at once when it is back', async () => {
  bench.work({ delayWarning: 0 });
  let up = false;
  let tries = 0;
  bench.peer.answer = () => {
    tries += 1;
    return up ? ok : down;
  };
  for (let count = 0; count < 60; count += 1) await bench.accept({ to: [`u${count}@x.example`] });
  await bench.settled();
  expect(tries).toBeLessThan(20);
  up = true;
  bench.pass(minutes(6.1));
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(60);
});

test('a slow destination with much mail does not stop the others', async () => {
  bench.work({ inHand: { recipients: 60, memory: 1e8 } });
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  bench.peer.answer = async ({ address: { domain } }) => {
    if (domain === 'slow.example') await gate;
    return ok;
  };
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => bench.accept({ to: [`u${index}@slow.example`] })),
  );
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => bench.accept({ to: [`u${index}@quick.example`] })),
  );
  await until(() => bench.peer.deliveries.length === 50, 'the quick ones wait for the slow one');
  const [row] = await fresh.database.query<{ count: number }>(
    'select count(*) as count from recipient where claimed_by is not null',
    [],
  );
  expect(row?.count).toBeLessThanOrEqual(60);
  open();
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(350);
});

test('content that is gone from the blob store is held for people to look at', async () => {
  const text = Buffer.concat([Buffer.from(sample), Buffer.alloc(100_000, `${'x'.repeat(70)}\r\n`)]);
  await bench.accept({ to: ['bob@example.net'], text });
  bench.blobs.kept.clear();
  bench.work();
  await until(
    async () =>
      (await fresh.database.query("select 1 from recipient where status = 'held'", [])).length === 1,
    'it is not held',
  );
  expect(bench.peer.deliveries).toHaveLength(0);
});

test('an agent that breaks its promises costs a try, not the mail', async () => {
  bench.work({ delayWarning: 0 });
  let broken = true;
  bench.peer.answer = () => {
    if (broken) throw new Error('a defect');
    return ok;
  };
  await bench.accept({ to: ['bob@example.net'] });
  await bench.settled();
  broken = false;
  bench.pass(minutes(10));
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(1);
});

test('sixty destinations that take the connection and then hang stand in nobody else’s way', async () => {
  bench.work();
  const hang = new AbortController();
  const hanging = new Promise<DeliveryStatus>((resolve) => {
    hang.signal.addEventListener('abort', () => resolve(busy));
  });
  bench.peer.answer = ({ address: { domain } }) => (domain.startsWith('hang') ? hanging : ok);
  const to = Array.from({ length: 1_200 }, (_, index) => `u${index}@hang${index % 60}.example`);
  await Promise.all(to.map((one) => bench.accept({ to: [one] })));
  for (let count = 0; count < 50; count += 1) await bench.accept({ to: [`ada${count}@well.example`] });
  await until(() => bench.peer.deliveries.length === 50, 'mail to the healthy one waits', 5_000);
  bench.peer.answer = () => ok;
  hang.abort();
});
