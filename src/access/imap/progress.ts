/**
 * access/imap/progress - a word now and then while a command takes long (RFC 9585).
 */
import { statement } from '../../protocol/imap/respond/status.ts';
import type { Session } from './session.ts';

/** Milliseconds between two words, and before the first: clients wait so long without being told. */
const apart = 10_000;

/** Takes the share that is done, 0 to 1. */
export function progress(session: Session, tag: string): (done: number) => void {
  let saidAt = session.connection.now.getTime();
  return (done) => {
    const now = session.connection.now.getTime();
    if (now - saidAt < apart) return;
    saidAt = now;
    const code = { code: 'INPROGRESS', tag, done: Math.floor(done * 100), goal: 100 } as const;
    session.say(statement('OK', { text: 'Still at it', code }, session.dialect));
  };
}
