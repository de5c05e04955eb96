/** ACL (RFC 4314): who may give which rights, and what each right permits in each command. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
/** Owns `Team`. */
let ada: ImapTalk;
/** Has what the test gives. */
let bob: ImapTalk;
let owner: string;
let reader: string;
let team: string;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  count += 1;
  owner = `owner${count}`;
  reader = `reader${count}`;
  for (const name of [owner, reader]) await server.tree.accounts.create({ name });
  ada = await server.as(owner);
  bob = await server.as(reader);
  await ada.ok('CREATE Team');
  team = `"Other Users/${owner}/Team"`;
});

test('the owner has all rights, and old letters are told with the new', async () => {
  expect(await ada.ok('MYRIGHTS Team')).toEqual(['* MYRIGHTS "Team" lrswipkxteacd']);
  expect(await ada.ok('GETACL Team')).toEqual([`* ACL "Team" "${owner}" lrswipkxteacd`]);
  expect(await ada.ok(`LISTRIGHTS Team ${owner}`)).toEqual([`* LISTRIGHTS "Team" "${owner}" lrswipkxteacd`]);
  expect(await ada.ok(`LISTRIGHTS Team ${reader}`)).toEqual([
    `* LISTRIGHTS "Team" "${reader}" "" l r s w i p k x t e a c d`,
  ]);
});

test('rights are given, added, taken and removed', async () => {
  await ada.ok(`SETACL Team ${reader} lr`);
  expect(await ada.ok('GETACL Team')).toEqual([`* ACL "Team" "${owner}" lrswipkxteacd "${reader}" lr`]);
  await ada.ok(`SETACL Team ${reader} +swd`);
  expect(await bob.ok(`MYRIGHTS ${team}`)).toEqual([`* MYRIGHTS ${team} lrswted`]);
  await ada.ok(`SETACL Team ${reader} -wt`);
  expect(await bob.ok(`MYRIGHTS ${team}`)).toEqual([`* MYRIGHTS ${team} lrsed`]);
  await ada.ok(`SETACL Team ${reader} lrc`);
  expect(await bob.ok(`MYRIGHTS ${team}`)).toEqual([`* MYRIGHTS ${team} lrkxc`]);
  await ada.ok(`DELETEACL Team ${reader}`);
  await ada.ok(`DELETEACL Team ${reader}`);
  expect(await bob.answer(`MYRIGHTS ${team}`)).toMatch(/^NO \[NONEXISTENT\]/);
});

test('anyone may be meant, and some be left out of it', async () => {
  await ada.ok('SETACL Team anyone lrs');
  await ada.ok(`SETACL Team -${reader} s`);
  expect(await bob.ok(`MYRIGHTS ${team}`)).toEqual([`* MYRIGHTS ${team} lr`]);
});

test('what is no right, nobody or the owner is refused', async () => {
  expect(await ada.answer(`SETACL Team ${reader} lrq`)).toMatch(/^BAD/);
  expect(await ada.answer(`SETACL Team ${reader} LR`)).toMatch(/^BAD/);
  expect(await ada.answer('SETACL Team nobody-here lr')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await ada.answer(`SETACL Team ${owner} lr`)).toMatch(/^NO \[CANNOT\]/);
  expect(await ada.answer(`SETACL Team -${owner} r`)).toMatch(/^NO \[CANNOT\]/);
  expect(await ada.answer(`DELETEACL Team ${owner}`)).toMatch(/^NO \[CANNOT\]/);
  expect(await ada.answer(`SETACL nowhere ${reader} lr`)).toMatch(/^NO \[NONEXISTENT\]/);
});

test('only who has `a` may ask and set; who has no `l` does not learn that it is there', async () => {
  const commands = [
    `GETACL ${team}`,
    `SETACL ${team} ${reader} lra`,
    `DELETEACL ${team} ${owner}`,
    `LISTRIGHTS ${team} ${reader}`,
  ];
  for (const command of commands) expect(await bob.answer(command)).toMatch(/^NO \[NONEXISTENT\]/);
  await ada.ok(`SETACL Team ${reader} rswipkxte`);
  for (const command of commands) expect(await bob.answer(command)).toMatch(/^NO \[NONEXISTENT\]/);
  await ada.ok(`SETACL Team ${reader} lrswipkxte`);
  for (const command of commands) expect(await bob.answer(command)).toMatch(/^NO \[NOPERM\]/);
  await ada.ok(`SETACL Team ${reader} la`);
  expect(await bob.ok(`GETACL ${team}`)).toHaveLength(1);
  await bob.ok(`SETACL ${team} anyone l`);
  await bob.ok(`DELETEACL ${team} ${reader}`);
  expect(await bob.answer(`GETACL ${team}`)).toMatch(/^NO \[NOPERM\]/);
});

/** Without the right the command is refused, with it done. */
test.each([
  ['r', 'lswipkxtea', (box: string) => [`SELECT ${box}`]],
  ['r', 'lswipkxtea', (box: string) => [`STATUS ${box} (MESSAGES)`]],
  ['i', 'lrswpkxtea', (box: string) => ['SELECT INBOX', `COPY 1 ${box}`]],
  ['k', 'lrswipxtea', (box: string) => [`CREATE ${box.slice(0, -1)}/New"`]],
  ['x', 'lrswipktea', (box: string) => [`DELETE ${box}`]],
  ['t', 'lrswipkxea', (box: string) => [`SELECT ${box}`, 'STORE 1 +FLAGS (\\Deleted)']],
  ['s', 'lrwipkxtea', (box: string) => [`SELECT ${box}`, 'STORE 1 +FLAGS (\\Seen)']],
  ['w', 'lrsipkxtea', (box: string) => [`SELECT ${box}`, 'STORE 1 +FLAGS (\\Flagged $x)']],
  ['e', 'lrswipkxta', (box: string) => [`SELECT ${box}`, 'EXPUNGE']],
  ['e', 'lrswipkxta', (box: string) => [`SELECT ${box}`, 'MOVE 1 INBOX']],
  ['t', 'lrswipkxea', (box: string) => [`SELECT ${box}`, 'MOVE 1 INBOX']],
  ['a', 'lrswipkxte', (box: string) => [`GETACL ${box}`]],
  ['l', 'rswipkxtea', (box: string) => [`SUBSCRIBE ${box}`]],
])('right %s is needed, %s do not suffice', async (right, others, commands) => {
  await ada.append('Team', letter('one'));
  await bob.append('INBOX', letter('mine'));
  await ada.ok(`SETACL Team ${reader} ${others}`);
  const said = commands(team);
  const last = said.pop() as string;
  for (const command of said) await bob.ok(command);
  expect(await bob.answer(last)).toMatch(/^NO \[(NOPERM|NONEXISTENT|TRYCREATE)\]/);
  await ada.ok(`SETACL Team ${reader} +${right}`);
  const again = await server.as(reader);
  for (const command of said) await again.ok(command);
  expect(await again.answer(last)).toMatch(/^OK/);
});

test('CLOSE expunges only for who may, APPEND keeps only flags that may be set', async () => {
  await ada.append('Team', letter('one'), '(\\Deleted)');
  await ada.ok(`SETACL Team ${reader} lrsi`);
  await bob.ok(`SELECT ${team}`);
  await bob.ok('CLOSE');
  expect(await bob.append(team, letter('two'), '(\\Seen \\Flagged \\Deleted $x)')).toMatch(/^OK/);
  await ada.ok('SELECT Team');
  const flags = (await ada.ok('FETCH 1:* FLAGS')).map((line) => line.replace('\\Recent ', ''));
  expect(flags).toEqual(['* 1 FETCH (FLAGS (\\Deleted))', '* 2 FETCH (FLAGS (\\Seen))']);
});

test('COPY and MOVE take only the flags along that may be set', async () => {
  for (const command of ['UID COPY 1', 'UID MOVE 1:2'])
    for (const [rights, flags] of [
      ['li', ''],
      ['lis', '\\Seen'],
      ['lit', '\\Deleted'],
      ['liw', '\\Flagged $x'],
      ['liswt', '\\Seen \\Flagged \\Deleted $x'],
    ] as const) {
      const box = `${rights}${command.slice(4, 5)}`;
      await ada.ok(`CREATE ${box}`);
      await ada.ok(`SETACL ${box} ${reader} ${rights}`);
      await bob.ok('CREATE from');
      await bob.append('from', letter('one'), '(\\Seen \\Flagged \\Deleted $x)');
      await bob.ok('SELECT from');
      await bob.ok(`${command} "Other Users/${owner}/${box}"`);
      await bob.ok('DELETE from');
      await ada.ok(`SELECT ${box}`);
      expect((await ada.ok('FETCH 1 FLAGS')).join().replace('\\Recent', '').replace('( ', '(')).toBe(
        `* 1 FETCH (FLAGS (${flags}))`,
      );
    }
});

test('reading a body marks it read only for who may', async () => {
  await ada.append('Team', letter('one'));
  await ada.ok(`SETACL Team ${reader} lrw`);
  await bob.ok(`SELECT ${team}`);
  await bob.ok('FETCH 1 BODY[TEXT]');
  expect((await bob.ok('FETCH 1 FLAGS')).join()).not.toContain('Seen');
});

test('what is made in a shared tree has the rights of what is above it', async () => {
  await ada.ok(`SETACL Team ${reader} lrk`);
  await ada.ok('SETACL Team anyone l');
  await bob.ok(`CREATE ${team.slice(0, -1)}/Sub/Deep"`);
  expect(await ada.ok('GETACL Team/Sub/Deep')).toEqual([
    `* ACL "Team/Sub/Deep" "${owner}" lrswipkxteacd "anyone" l "${reader}" lrkc`,
  ]);
  expect((await bob.ok('LIST "" "Other Users/*"')).join()).toContain('Team/Sub/Deep');
  await ada.ok('CREATE Alone');
  expect(await ada.ok('GETACL Alone')).toEqual([`* ACL "Alone" "${owner}" lrswipkxteacd`]);
});

test('rights taken from a session are taken at once', async () => {
  await ada.append('Team', letter('one'));
  await ada.ok(`SETACL Team ${reader} lrsw`);
  await bob.ok(`SELECT ${team}`);
  await bob.ok('STORE 1 +FLAGS (\\Flagged)');
  await ada.ok(`SETACL Team ${reader} lrs`);
  const lines = await bob.say('STORE 1 -FLAGS (\\Flagged)');
  expect(lines.join()).toContain('[PERMANENTFLAGS (\\Seen)]');
  expect(lines.at(-1)).toMatch(/^NO \[NOPERM\]/);
  await ada.ok(`DELETEACL Team ${reader}`);
  bob.begin('FETCH 1 FLAGS');
  expect(await bob.rest()).toEqual([expect.stringMatching(/^\* BYE/)]);
});

test('who waits in a mailbox that is shared no more hears no more of it', async () => {
  await ada.ok(`SETACL Team ${reader} lr`);
  await bob.ok(`SELECT ${team}`);
  bob.begin('IDLE');
  expect(await bob.response()).toMatch(/^\+/);
  await ada.ok(`DELETEACL Team ${reader}`);
  await ada.append('Team', letter('not for bob'));
  expect(await bob.rest()).toEqual([expect.stringMatching(/^\* BYE/)]);
});
