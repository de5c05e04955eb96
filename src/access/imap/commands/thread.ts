/** access/imap/commands/thread - THREAD and UID THREAD (RFC 5256 §3), by ORDEREDSUBJECT, REFERENCES and REFS. */
import type { ThreadAlgorithm, ThreadRow } from '../../../mail/search.ts';
import { untagged } from '../../../protocol/imap/respond/notation.ts';
import { baseSubject } from '../../../protocol/mime/base-subject.ts';
import { fold } from '../../../protocol/mime/fold.ts';
import { printThreads } from '../../thread/print.ts';
import {
  type ThreadMessage,
  type ThreadNode,
  threadByOrderedSubject,
  threadByReferences,
  threadByRefs,
} from '../../thread/thread.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';
import { asks, resolveKey } from '../search-key.ts';

const ways: Readonly<Record<ThreadAlgorithm, (messages: Iterable<ThreadMessage>) => ThreadNode[]>> = {
  orderedSubject: threadByOrderedSubject,
  references: threadByReferences,
  refs: threadByRefs,
};

async function run({ session, view, command }: ViewCall<Named<'THREAD'>>): Promise<Done> {
  const key = resolveKey(view, command.key, session.enabled.has('UIDONLY'));
  if (asks(key, 'modSeq')) session.enable('CONDSTORE');
  const messages: ThreadMessage[] = [];
  for await (const rows of session.deps.search.threadRows(view.mailbox, key, session.signal))
    for (const row of rows)
      if (view.uids.has(row.uid))
        messages.push(messageOf(row, command.uid ? row.uid : view.uids.rank(row.uid)));
  const threads = printThreads(ways[command.algorithm](messages));
  session.say(untagged('THREAD', ...(threads === '' ? [] : [threads])));
  return { text: 'Threaded' };
}

/** Subjects are compared by i;unicode-casemap (RFC 5255 §4.6). */
function messageOf(row: ThreadRow, id: number): ThreadMessage {
  const { base, isReply } = baseSubject(row.subject);
  return {
    id,
    messageId: row.messageId,
    references: row.references,
    baseSubject: fold(base),
    isReply,
    sentAt: row.sentAt.getTime(),
  };
}

export const thread: Rule<'THREAD'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run,
};
