/**
 * access/imap/commands/notify - NOTIFY (RFC 5465): what the client wants to be told of, at any time.
 */
import { notifyEvents } from '../../../protocol/imap/request/notify.ts';
import { Notifier } from '../notifier.ts';
import { no, Refusal } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';

/** Messages have no annotations here (RFC 5257). */
const supported = notifyEvents.filter((event) => event !== 'AnnotationChange');

async function run({ session, user, command }: UserCall<Named<'NOTIFY'>>): Promise<Done> {
  const { watch } = command;
  const groups = watch?.groups ?? [];
  if (groups.some(({ events }) => events.some(({ event }) => !supported.includes(event))))
    // RFC 5465 §3.1
    throw new Refusal('NO', {
      text: 'Not all of this is told',
      code: { code: 'BADEVENT', events: supported },
    });
  const { state } = session;
  // §3.1: what has happened in the selected mailbox is told as it was until now.
  if (state.kind === 'selected') await session.tellNews(state.view, { expunges: true, ask: true });
  const notifier = new Notifier(session, user, groups);
  let isBegun = false;
  try {
    isBegun = await notifier.begin(watch?.status === true);
  } finally {
    if (!isBegun) notifier[Symbol.dispose]();
  }
  if (!isBegun) throw no('tooMuchToTell');
  session.notify(notifier);
  return { text: watch === undefined ? 'Nothing is told' : 'This is told' };
}

export const notify: Rule<'NOTIFY'> = { where: 'authenticated', news: 'none', run };
