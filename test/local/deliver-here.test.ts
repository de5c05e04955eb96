/**
 * Mail for mailboxes here: whose it is, what scripts make of it, and what the sender's system is told.
 */
import { expect, test } from 'vitest';
import { openLocal } from '../../src/local/deliver-here.ts';
import { MailError } from '../../src/mail/condition.ts';
import { printReply } from '../../src/mail/reply.ts';
import { AccountExists } from '../../src/ports/accounts.ts';
import { DirectoryUnready } from '../../src/ports/directory.ts';
import { MailboxGone, OverQuota, StoreAway, StoreFull } from '../../src/ports/messages.ts';
import { address, mail, never, type TaskParts, task, World } from './fakes.ts';

async function deliver(world: World, parts: TaskParts = {}): Promise<string[]> {
  const statuses = await openLocal(world.options()).deliver(task(parts), never);
  return statuses.map(({ outcome, reply }) => `${outcome} ${printReply(reply)}`);
}

const withAda = (script?: string): World => {
  const world = new World();
  const ada = world.account('ada@example.org');
  if (script !== undefined) world.script(ada, script);
  return world;
};

const good = 'delivered 250 2.0.0 Delivered';

test('without a script a message is kept in the inbox, with Return-Path on top and nothing else changed', async () => {
  const world = withAda();
  const content = mail('Subject: hello', '', 'Héllo.');
  expect(await deliver(world, { content })).toEqual([good]);
  expect(world.contents('INBOX')).toEqual([`Return-Path: <eve@example.net>\r\n${content}`]);
});

test('the null sender is Return-Path <>', async () => {
  const world = withAda();
  await deliver(world, { from: '' });
  expect(world.contents('INBOX')[0]).toMatch(/^Return-Path: <>\r\n/);
});

test('many recipients share one body, staged once', async () => {
  const world = withAda();
  world.account('bob@example.org');
  world.account('carol@example.org');
  const to = ['ada@example.org', 'bob@example.org', 'carol@example.org'];
  expect(await deliver(world, { to })).toEqual([good, good, good]);
  expect(world.counts).toBe('1/INBOX: 1, 2/INBOX: 1, 3/INBOX: 1');
  expect(world.bodies).toHaveLength(1);
});

test('whoever is in the directory gets an account at the first mail, kept by the entry when the address changes', async () => {
  const world = new World();
  world.entry('ad/1', ['ada@example.org', 'a.lovelace@example.org']);
  await deliver(world, { to: ['a.lovelace@example.org'] });
  expect(world.accounts).toMatchObject([{ name: 'ada@example.org', entryId: 'ad/1' }]);
  world.entries.length = 0;
  world.entry('ad/1', ['countess@example.org', 'ada@example.org']);
  await deliver(world, { queueId: 'Q2', content: mail('', 'two') });
  expect(world.accounts).toMatchObject([{ name: 'countess@example.org', entryId: 'ad/1' }]);
  expect(world.counts).toBe('INBOX: 2');
});

test('an entry of the source of local accounts is the account with its number', async () => {
  const world = new World();
  world.account('somebody');
  const ada = world.account('ada');
  world.entry(`here/${ada.id}`, ['ada@example.org'], { source: 'here' });
  expect(await deliver(world)).toEqual([good]);
  expect(world.counts).toBe('2/INBOX: 1');
});

test('two addresses of one person are one copy in one mailbox', async () => {
  const world = new World();
  world.entry('ad/1', ['ada@example.org', 'lovelace@example.org']);
  expect(await deliver(world, { to: ['ada@example.org', 'lovelace@example.org'] })).toEqual([good, good]);
  expect(world.counts).toBe('INBOX: 1');
});

test('two addresses of one person are two copies where the script files them apart', async () => {
  const world = new World();
  world.entry('ad/1', ['ada@example.org']);
  const ada = world.account('ada@example.org', { entryId: 'ad/1' });
  world.folder(ada.id, 'Lists');
  world.script(
    ada,
    'require ["fileinto", "envelope", "subaddress"]; if envelope :detail "to" "lists" { fileinto "Lists"; }',
  );
  await deliver(world, { to: ['ada+lists@example.org', 'ada@example.org'] });
  expect(world.counts).toBe('INBOX: 1, Lists: 1');
});

test.each([
  ['nobody has the address', () => new World(), 'failed 550 5.1.1 Mailbox unknown'],
  [
    'it is a contact of somebody elsewhere',
    () => {
      const world = new World();
      world.entry('ad/1', ['ada@example.org'], { kind: 'contact' });
      return world;
    },
    'failed 550 5.1.1 Mailbox unknown',
  ],
  [
    'two entries claim it',
    () => {
      const world = new World();
      world.entry('ad/1', ['ada@example.org']);
      world.entry('ad/2', ['ada@example.org']);
      return world;
    },
    'later 451 4.1.4 Mailbox ambiguous',
  ],
  [
    'the account is disabled',
    () => {
      const world = new World();
      world.account('ada@example.org', { disabled: true });
      return world;
    },
    'failed 550 5.2.1 Mailbox disabled',
  ],
])('refused or put off: %s', async (_, make, status) => {
  const world = make();
  expect(await deliver(world)).toEqual([status]);
  expect(world.counts).toBe('');
});

test('a disabled account takes mail or has it wait where the operator says so', async () => {
  const world = new World();
  world.account('ada@example.org', { disabled: true });
  world.policy = { ...world.policy, disabled: 'later' };
  expect(await deliver(world)).toEqual(['later 450 4.2.1 Mailbox disabled']);
  world.policy = { ...world.policy, disabled: 'deliver' };
  expect(await deliver(world)).toEqual([good]);
});

test.each([
  ['append', new OverQuota(), 'later 452 4.2.2 Mailbox full'],
  ['append', new StoreFull(), 'later 452 4.3.1 Mail system full'],
  ['append', new StoreAway(), 'later 451 4.3.0 Mail system trouble'],
  ['append', new Error('a bug'), 'later 451 4.3.0 Mail system trouble'],
  ['append', new MailboxGone(), 'later 450 4.2.1 Mailbox disabled'],
  ['stage', new StoreAway(), 'later 451 4.3.0 Mail system trouble'],
  ['stage', new StoreFull(), 'later 452 4.3.1 Mail system full'],
  ['lookup', new DirectoryUnready(), 'later 451 4.4.3 Directory trouble'],
  ['active', new StoreAway(), 'later 451 4.3.0 Mail system trouble'],
  ['account', new StoreAway(), 'later 451 4.3.0 Mail system trouble'],
])(
  'trouble at %s (%s) puts the message off, and it is delivered once when that is over',
  async (step, error, status) => {
    const world = withAda();
    world.trouble.set(step, error);
    expect(await deliver(world)).toEqual([status]);
    world.trouble.clear();
    expect(await deliver(world)).toEqual([good]);
    expect(world.counts).toBe('INBOX: 1');
  },
);

test('over quota is final where the operator says so', async () => {
  const world = withAda();
  world.policy = { ...world.policy, overQuota: 'never' };
  world.trouble.set('append', new OverQuota());
  expect(await deliver(world)).toEqual(['failed 552 5.2.2 Mailbox full']);
});

test('one full mailbox does not keep the others from their mail', async () => {
  const world = withAda();
  const options = world.options();
  world.account('bob@example.org');
  const local = openLocal({
    ...options,
    writing: {
      stage: options.writing.stage,
      append: async (appends, more) => {
        if (appends[0]?.mailbox === 1) throw new OverQuota();
        return await options.writing.append(appends, more);
      },
    },
  });
  const statuses = await local.deliver(task({ to: ['ada@example.org', 'bob@example.org'] }), never);
  expect(statuses.map(({ outcome }) => outcome)).toEqual(['later', 'delivered']);
  expect(world.counts).toBe('2/INBOX: 1');
});

test('an account that cannot be made for one recipient is nobody else’s trouble', async () => {
  const world = withAda();
  world.entry('ad/2', ['bob@example.org']);
  world.trouble.set('forEntry', new AccountExists('there is one'));
  expect(await deliver(world, { to: ['bob@example.org', 'ada@example.org'] })).toEqual([
    'later 451 4.1.4 Mailbox ambiguous',
    good,
  ]);
});

test('when the content cannot be read, that error is passed on and nothing is stored', async () => {
  const world = withAda();
  const broken = new Error('the blob is gone');
  const given = {
    ...task(),
    async *content() {
      yield Buffer.from('Subject: x\r\n');
      throw broken;
    },
  };
  await expect(openLocal(world.options()).deliver(given, never)).rejects.toBe(broken);
  expect(world.bodies).toHaveLength(0);
});

test('stopped before anything was done it rejects; after closing it puts off', async () => {
  const world = withAda();
  const local = openLocal(world.options());
  const reason = new Error('stop');
  await expect(local.deliver(task(), AbortSignal.abort(reason))).rejects.toBe(reason);
  await local.close(never);
  expect((await local.deliver(task(), never))[0]).toMatchObject({ outcome: 'later', reply: { code: 421 } });
});

test('mail for ada+lists goes into the mailbox of that name where the operator wants it and it is there', async () => {
  const world = withAda();
  const to = ['ada+Lists@example.org'];
  world.folder(1, 'Lists');
  await deliver(world, { to });
  world.policy = { ...world.policy, detailFolder: 'existing' };
  await deliver(world, { to, queueId: 'Q2', content: mail('', '2') });
  await deliver(world, { to: ['ada+news@example.org'], queueId: 'Q3', content: mail('', '3') });
  expect(world.counts).toBe('INBOX: 2, Lists: 1');
  world.policy = { ...world.policy, detailFolder: 'create' };
  await deliver(world, { to: ['ada+news@example.org'], queueId: 'Q4', content: mail('', '4') });
  expect(world.counts).toBe('INBOX: 2, Lists: 1, news: 1');
});

//                        script                                                         mailboxes
test.each([
  ['keep', 'keep;', 'INBOX: 1'],
  ['discard', 'discard;', ''],
  ['fileinto', 'require "fileinto"; fileinto "Work";', 'Work: 1'],
  ['fileinto and keep', 'require "fileinto"; fileinto "Work"; keep;', 'INBOX: 1, Work: 1'],
  ['fileinto :copy', 'require ["fileinto", "copy"]; fileinto :copy "Work";', 'INBOX: 1, Work: 1'],
  ['a mailbox that is not there is the inbox', 'require "fileinto"; fileinto "Nowhere";', 'INBOX: 1'],
  ['inbox in any case', 'require "fileinto"; fileinto "inBox";', 'INBOX: 1'],
  [
    'two that end in the inbox are one copy',
    'require "fileinto"; fileinto "Nowhere"; fileinto "Never";',
    'INBOX: 1',
  ],
  [':create', 'require ["fileinto", "mailbox"]; fileinto :create "New/Deep";', 'New/Deep: 1'],
  ['a name that no mailbox may have', 'require ["fileinto", "mailbox"]; fileinto :create "a*b";', 'INBOX: 1'],
  ['not selectable', 'require "fileinto"; fileinto "Level";', 'INBOX: 1'],
  [':mailboxid', 'require ["fileinto", "mailboxid"]; fileinto :mailboxid "F2" "Other";', 'Work: 1'],
  [':mailboxid unknown', 'require ["fileinto", "mailboxid"]; fileinto :mailboxid "nix" "Work";', 'Work: 1'],
  [':specialuse', 'require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Junk" "Work";', 'Spam: 1'],
  [
    'mailboxexists',
    'require ["fileinto", "mailbox"]; if mailboxexists "Work" { fileinto "Work"; }',
    'Work: 1',
  ],
  [
    'a script that fails keeps the message',
    'require ["variables", "regex"]; discard; set "a" "b"; error;',
    'INBOX: 1',
  ],
  ['a script with errors keeps the message', 'this is no script', 'INBOX: 1'],
  ['an include', 'require "include"; include "other";', 'Work: 1'],
])('sieve: %s', async (_, script, counts) => {
  const world = withAda(script);
  world.folder(1, 'Work');
  world.folder(1, 'Level', { selectable: false });
  world.folder(1, 'Spam', { specialUse: '\\Junk' });
  world.script(world.accounts[0] as never, 'require "fileinto"; fileinto "Work";', 'other', false);
  expect(await deliver(world)).toEqual([good]);
  expect(world.counts).toBe(counts);
});

test('a script that fails while it runs keeps the message and leaves out what it decided before', async () => {
  const world = withAda(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Sieve's.
    'require ["variables", "fileinto"]; discard; redirect "x@example.com"; set "v" "not an address"; redirect "${v}";',
  );
  expect(await deliver(world)).toEqual([good]);
  expect(world.counts).toBe('INBOX: 1');
  expect(world.sent).toEqual([]);
  expect(world.logged.join()).toContain('a script failed');
});

test('what cannot be done by a fault of ours is not done: the message is kept', async () => {
  const world = withAda('require ["fileinto", "mailbox"]; fileinto :create "New";');
  world.trouble.set('create', new Error('a bug'));
  expect(await deliver(world)).toEqual([good]);
  expect(world.counts).toBe('INBOX: 1');
  expect(world.logged.join()).toContain('a bug');
});

test('a store that is away in the middle has the message wait, with its script', async () => {
  const world = withAda('require ["fileinto", "mailbox"]; fileinto :create "New";');
  world.trouble.set('create', new StoreAway());
  expect(await deliver(world)).toEqual(['later 451 4.3.0 Mail system trouble']);
  world.trouble.clear();
  await deliver(world);
  expect(world.counts).toBe('New: 1');
});

test('an included script that has changed is seen at the next message', async () => {
  const world = withAda('require "include"; include "other";');
  const ada = world.accounts[0] as never;
  world.folder(1, 'Work');
  world.script(ada, 'keep;', 'other', false);
  const local = openLocal(world.options());
  await local.deliver(task(), never);
  world.script(ada, 'require "fileinto"; fileinto "Work";', 'other', false);
  await local.deliver(task({ queueId: 'Q2', content: mail('', '2') }), never);
  expect(world.counts).toBe('INBOX: 1, Work: 1');
});

test('operators scripts run before and after the owner’s', async () => {
  const world = withAda('require "imap4flags"; addflag "\\\\Seen";');
  world.folder(1, 'Junk');
  const junk = 'require "fileinto"; if header :is "X-Spam" "yes" { fileinto "Junk"; stop; }';
  const after = 'require "fileinto"; if header :is "X-After" "yes" { fileinto "Junk"; }';
  world.policy = {
    ...world.policy,
    before: [{ name: 'spam', content: junk }],
    after: [{ name: 'after', content: after }],
  };
  await deliver(world, { content: mail('X-Spam: yes', '', '1') });
  await deliver(world, { queueId: 'Q2', content: mail('X-After: yes', '', '2') });
  await deliver(world, { queueId: 'Q3', content: mail('', '3') });
  expect(world.counts).toBe('INBOX: 1, Junk: 2');
});

test('flags of keep and fileinto are set', async () => {
  const world = withAda(
    'require ["fileinto", "imap4flags"]; keep :flags ["\\\\Seen", "urgent"]; fileinto :flags "\\\\Flagged" "Work";',
  );
  world.folder(1, 'Work');
  await deliver(world);
  expect(world.flags('INBOX')).toEqual([['\\Seen', 'urgent']]);
  expect(world.flags('Work')).toEqual([['\\Flagged']]);
});

test('an edited header is this recipient’s alone', async () => {
  const world = withAda('require "editheader"; addheader "X-Filed" "yes"; deleteheader "To";');
  world.account('bob@example.org');
  await deliver(world, { to: ['ada@example.org', 'bob@example.org'] });
  expect(world.contents('INBOX', 1)[0]).toBe(
    'Return-Path: <eve@example.net>\r\nX-Filed: yes\r\nFrom: Eve <eve@example.net>\r\nMessage-ID: <1@example.net>\r\nSubject: hello\r\n\r\nHello.\r\n',
  );
  expect(world.contents('INBOX', 2)[0]).not.toContain('X-Filed');
});

test('the body of a message too large for memory is read from the store, and edited there', async () => {
  const world = withAda(
    'require ["body", "fileinto", "editheader"]; if body :contains "needle" { addheader "X-Found" "yes"; fileinto "Work"; }',
  );
  world.folder(1, 'Work');
  const hay = 'hay hay hay hay\r\n'.repeat(5_000);
  const content = mail('', `${hay}needle\r\n${hay}`);
  await deliver(world, { content });
  expect(world.counts).toBe('Work: 1');
  expect(world.contents('Work')[0]).toBe(`Return-Path: <eve@example.net>\r\nX-Found: yes\r\n${content}`);
});

test('of a body beyond the limit scripts see the beginning', async () => {
  const world = withAda('require ["body", "fileinto"]; if body :contains "needle" { fileinto "Work"; }');
  world.folder(1, 'Work');
  world.policy = { ...world.policy, bodyLimit: 20_000 };
  const hay = 'hay hay hay hay\r\n'.repeat(2_000);
  await deliver(world, { content: mail('', `${hay}needle\r\n`) });
  await deliver(world, { queueId: 'Q2', content: mail('', `needle\r\n${hay}`) });
  expect(world.counts).toBe('INBOX: 1, Work: 1');
});

test('a message is sent on as it came, with a mark and a Received field on top, and from its sender', async () => {
  const world = withAda('redirect "ada@example.com";');
  const content = mail('Subject: x', '', 'Hello.');
  expect(await deliver(world, { content, requireTls: true })).toEqual([good]);
  expect(world.counts).toBe('');
  expect(world.sent).toMatchObject([
    { from: 'eve@example.net', to: ['ada@example.com'], requireTls: true, content },
  ]);
  expect(world.sent[0]?.trace).toMatch(
    /^Received: by mail\.example\.org \(Isthmus\) with SIEVE id L\d+;\r\n\t.*\r\nX-Sieve-Redirected-From: ada@example\.org\r\n$/,
  );
});

test('the sender of what is sent on is the recipient where the operator says so, but never for the null sender', async () => {
  const world = withAda('redirect "ada@example.com";');
  world.policy = { ...world.policy, redirectSender: 'recipient' };
  await deliver(world);
  await deliver(world, { queueId: 'Q2', from: '' });
  expect(world.sent.map(({ from }) => from)).toEqual(['ada@example.org', '']);
});

test('a message that was sent on before by the same person is kept, not sent round in a circle', async () => {
  const world = withAda('redirect "bob@example.com";');
  await deliver(world, { content: mail('X-Sieve-Redirected-From: Ada@example.org', '', '1') });
  const received = Array.from({ length: 50 }, (_, n) => `Received: from a by b; ${n}`);
  await deliver(world, { queueId: 'Q2', content: mail(...received, '', '2') });
  expect(world.sent).toEqual([]);
  expect(world.counts).toBe('INBOX: 2');
});

test('what the spool does not take is tried again, and then sent once', async () => {
  const world = withAda('require "copy"; redirect :copy "ada@example.com";');
  world.trouble.set('accept', new MailError('later', 'systemFull'));
  expect(await deliver(world)).toEqual(['later 452 4.3.1 Mail system full']);
  world.trouble.clear();
  expect(await deliver(world)).toEqual([good]);
  expect(world.sent).toHaveLength(1);
  expect(world.counts).toBe('INBOX: 1');
});

test('ereject fails the delivery with the reason; nothing is stored', async () => {
  const world = withAda('require "ereject"; ereject "Not today,\r\nthank you";');
  expect(await deliver(world)).toEqual(['failed 550 5.7.1 Not today, thank you']);
  expect(world.counts).toBe('');
});

test('reject sends a notification, and none to the null sender', async () => {
  const world = withAda('require "reject"; reject "Nein, schön ist das nicht";');
  expect(await deliver(world)).toEqual([good]);
  expect(await deliver(world, { queueId: 'Q2', from: '' })).toEqual([good]);
  expect(world.counts).toBe('');
  expect(world.sent).toHaveLength(1);
  expect(world.sent[0]).toMatchObject({ from: '', to: ['eve@example.net'], notify: [['never']] });
  expect(world.sent[0]?.content).toContain('schön');
});

const vacation = (rest = '') => `require ["vacation", "fcc", "mailbox"]; vacation ${rest} "I am away.";`;

test('vacation answers a sender once in its time, from the null sender', async () => {
  const world = withAda(vacation(':days 7'));
  await deliver(world);
  await deliver(world, { queueId: 'Q2', content: mail('', 'again') });
  expect(world.sent).toHaveLength(1);
  expect(world.sent[0]).toMatchObject({ from: '', to: ['eve@example.net'] });
  expect(world.sent[0]?.content).toContain('Auto-Submitted: auto-replied');
  world.now = new Date(world.now.getTime() + 7 * 86_400_000 + 1);
  await deliver(world, { queueId: 'Q3', content: mail('', 'later') });
  expect(world.sent).toHaveLength(2);
  expect(world.counts).toBe('INBOX: 3');
});

test.each([
  ['a list', ['List-Id: <x.example.net>', '', 'x'], 'eve@example.net'],
  ['an automatic message', ['Auto-Submitted: auto-replied', '', 'x'], 'eve@example.net'],
  ['the null sender', ['', 'x'], ''],
])('vacation does not answer %s', async (_, lines, from) => {
  const world = withAda(vacation());
  await deliver(world, { content: mail(...lines), from });
  expect(world.sent).toEqual([]);
  expect(world.counts).toBe('INBOX: 1');
});

test('vacation knows all addresses of the person', async () => {
  const world = new World();
  world.entry('ad/1', ['lovelace@example.org', 'ada@example.org']);
  const ada = world.account('lovelace@example.org', { entryId: 'ad/1' });
  world.script(ada, vacation());
  await deliver(world, { to: ['lovelace@example.org'] });
  expect(world.sent).toHaveLength(1);
});

test('an answer that the spool does not take costs nobody his mail, and the next message is answered', async () => {
  const world = withAda(vacation());
  world.trouble.set('accept', new MailError('later', 'systemFull'));
  expect(await deliver(world)).toEqual([good]);
  world.trouble.clear();
  await deliver(world, { queueId: 'Q2', content: mail('', '2') });
  expect(world.sent).toHaveLength(1);
  expect(world.counts).toBe('INBOX: 2');
});

test(':fcc files a copy of the answer that was sent', async () => {
  const world = withAda(vacation(':fcc "Sent" :create'));
  await deliver(world);
  await deliver(world, { queueId: 'Q2', content: mail('', '2') });
  expect(world.counts).toBe('INBOX: 2, Sent: 1');
  expect(world.contents('Sent')[0]).toBe(world.sent[0]?.content);
});

test('notify sends a message to a mailto address', async () => {
  const world = withAda('require "enotify"; notify :message "New mail" "mailto:phone@example.com";');
  await deliver(world);
  expect(world.sent).toMatchObject([{ to: ['phone@example.com'] }]);
  expect(world.counts).toBe('INBOX: 1');
});

test('duplicate: the second message with the same Message-ID is seen, and only after the first was delivered', async () => {
  const world = withAda('require ["duplicate", "fileinto"]; if duplicate { fileinto "Twice"; }');
  world.folder(1, 'Twice');
  world.trouble.set('append', new StoreAway());
  await deliver(world);
  world.trouble.clear();
  await deliver(world);
  expect(world.counts).toBe('INBOX: 1');
  await deliver(world, { queueId: 'Q2', content: mail('X: another copy', '', 'x') });
  expect(world.counts).toBe('INBOX: 1, Twice: 1');
});

test('the original recipient is known to scripts and to reports', async () => {
  const world = withAda('require "reject"; reject "no ü";');
  await deliver(world, { to: [{ address: address('ada@example.org'), orcpt: 'rfc822;alias@example.org' }] });
  expect(world.sent[0]?.content).toContain('Original-Recipient: rfc822;alias@example.org');
});
