/** access/imap/commands/expunge - EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (§6.4.9). */

import { endOf, portionOf } from '../message-limit.ts';
import { uidRanges } from '../numbers.ts';
import { no } from '../refusal.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';

/** What has gone is told as news: this session's and others'. */
async function run({ session, view, command }: ViewCall<Named<'EXPUNGE'>>): Promise<Done> {
  if (view.isReadOnly) throw no('readOnly');
  if (!view.rights.includes('e')) throw no('noRight');
  const portion =
    command.uids === undefined ? undefined : portionOf(session, view, uidRanges(view, command.uids, true));
  const uids = portion?.uids;
  if (uids === undefined || uids.length > 0) await session.deps.writing.expunge(view.mailbox, uids);
  await session.tellNews(view, { expunges: true, ask: true });
  const code = session.enabled.has('QRESYNC')
    ? ({ code: 'HIGHESTMODSEQ', value: view.modSeq } as const)
    : undefined;
  // RFC 7162 §3.2.7
  const done = { text: 'Expunged', ...(code === undefined ? {} : { code }) };
  return portion === undefined ? done : endOf(session, portion, done);
}

export const expunge: Rule<'EXPUNGE'> = { where: 'selected', news: 'none', run };
