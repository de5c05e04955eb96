/** The store is a source and a target of mirrors by the same contracts as any other place. */
import { expect, test } from 'vitest';
import { MailCursorExpired } from '../../src/ports/mail-source.ts';
import { mailboxAt, mailSourceContract, soon } from '../contract/mail-source.ts';
import { mailTargetContract } from '../contract/mail-target.ts';
import { mailPlace } from './mail-place.ts';

mailSourceContract('the store as a source', mailPlace);
mailTargetContract('the store as a target', mailPlace);

test('more changes than one answer holds are all told', async () => {
  const at = await mailPlace();
  await at.create(['big']);
  const first = await at.put(['big'], Buffer.from('a: b\r\n\r\n'));
  const mailbox = await mailboxAt(at.source, ['big']);
  const everything = await Array.fromAsync(at.source.changes(mailbox, undefined, soon()));
  const last = everything.at(-1);
  const id = (await at.tree.mailboxes.get(at.account, 'big'))!.id;
  const [row] = await at.database.query<{ body: number }>('select body from mailbox_message', []);
  for (let n = 0; n < 25; n++)
    await at.messages.append(
      Array.from({ length: 100 }, () => ({
        mailbox: id,
        body: row!.body,
        flags: { system: 0, keywords: [] },
      })),
    );
  const changes = await Array.fromAsync(
    at.source.changes(mailbox, last?.change === 'done' ? last.cursor : undefined, soon()),
  );
  const added = changes.flatMap((one) => (one.change === 'added' ? [Number(one.message.name)] : []));
  expect(added).toEqual(Array.from({ length: 2_500 }, (_, n) => Number(first) + 1 + n));
  await at.close();
});

test('a cursor from before what is still known of expunged messages is refused', async () => {
  const at = await mailPlace();
  await at.create(['old']);
  const name = await at.put(['old'], Buffer.from('a: b\r\n\r\n'));
  const mailbox = await mailboxAt(at.source, ['old']);
  const [, done] = await Array.fromAsync(at.source.changes(mailbox, undefined, soon()));
  await at.remove(['old'], name);
  await at.database.query('update mailbox set forgotten_to = mod_seq');
  const cursor = done?.change === 'done' ? done.cursor : undefined;
  await expect(Array.fromAsync(at.source.changes(mailbox, cursor, soon()))).rejects.toThrow(
    MailCursorExpired,
  );
  await at.close();
});
