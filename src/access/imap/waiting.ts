/**
 * access/imap/waiting - news told while a session waits for its client: in IDLE (RFC 2177), and at any time where NOTIFY
 * asked for it (RFC 5465 §4).
 */
import { statement } from '../../protocol/imap/respond/status.ts';
import { ConnectionGone } from '../connection.ts';
import { asRefusal } from './refusal.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

/** Ends when `coming` has come, or the session is over; never throws what `coming` throws. */
export async function tellUntil(session: Session, coming: Promise<unknown>, isIdle: boolean): Promise<void> {
  let isCome = false;
  let hasFailed = false;
  let isBeatDue = false;
  let wake = (): void => {};
  // So that no router between us forgets the connection, and a client that is gone is noticed.
  const beat = setInterval(() => {
    isBeatDue = isIdle;
    wake();
  }, session.options.idleBeat);
  beat.unref();
  const come = coming.finally(() => {
    isCome = true;
    clearInterval(beat);
    wake();
  });
  come.catch(() => {});
  while (!isCome) {
    const { promise: news, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    const { state, notifier } = session;
    const view = state.kind === 'selected' && notifier?.isMute !== true ? state.view : undefined;
    const expunges = isIdle || notifier?.selected?.isDelayed === false;
    if (view !== undefined) view.onnews = resolve;
    if (notifier !== undefined) notifier.onnews = resolve;
    const isReady = (view !== undefined && hasNews(view, expunges)) || notifier?.hasNews === true;
    if (isReady && !hasFailed) resolve();
    await news;
    if (view !== undefined) view.onnews = undefined;
    if (notifier !== undefined) notifier.onnews = undefined;
    if (isCome) return;
    hasFailed = false;
    if (isBeatDue) session.say(statement('OK', { text: 'Still here' }, session.dialect));
    isBeatDue = false;
    try {
      await notifier?.tell();
      if (view !== undefined && hasNews(view, expunges)) await session.tellNews(view, { expunges });
    } catch (thrown) {
      if (isIdle || session.signal.aborted || thrown instanceof ConnectionGone) throw thrown;
      if (asRefusal(thrown).isBug) session.connection.log.error({ err: thrown }, 'telling failed');
      hasFailed = true; // again with the next notice, or the next command
    }
    await session.room();
    if (session.state.kind === 'logout') return session.connection.end();
  }
}

const hasNews = (view: View, expunges: boolean): boolean => view.isStale || (expunges && view.gone.size > 0);
