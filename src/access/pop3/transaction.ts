/**
 * access/pop3/transaction - after sign-in: STAT, LIST, UIDL, RETR, TOP, DELE, RSET, NOOP (RFC 1939 §5, §7), and the
 * update that QUIT makes (RFC 1939 §6).
 *
 * A message that cannot be read to its end is cut off with its connection: the client must not take what it has for
 * the whole.
 */

import { flagBits } from '../../mail/mailbox.ts';
import type { Command } from '../../protocol/pop3/command.ts';
import { endOfList, listed, ok } from '../../protocol/pop3/respond.ts';
import { Stuffing } from '../../protocol/pop3/stuffing.ts';
import { Top } from '../../protocol/pop3/top.ts';
import type { DropMessage, Maildrop } from './maildrop.ts';
import type { Session, Transaction } from './session.ts';

const noSuchMessage = 'No such message, or it is deleted';

export function stat(session: Session): void {
  const { messages, octets } = maildropOf(session).total;
  session.say(ok(`${messages} ${octets}`));
}

export async function list(
  session: Session,
  { message }: Command & { name: 'LIST' | 'UIDL' },
): Promise<void> {
  const maildrop = maildropOf(session);
  const { messages, octets } = maildrop.total;
  const sizeOf = (number: number) => maildrop.message(number)?.size ?? 0;
  await scan(session, message, `${messages} messages (${octets} octets)`, sizeOf);
}

export async function uidl(
  session: Session,
  { message }: Command & { name: 'LIST' | 'UIDL' },
): Promise<void> {
  const maildrop = maildropOf(session);
  await scan(session, message, 'Unique ids', (number) => maildrop.uniqueId(number));
}

/** A line for one message, or a list of lines for all that are not deleted. */
async function scan(
  session: Session,
  number: number | undefined,
  title: string,
  factOf: (number: number) => number | string,
): Promise<void> {
  const maildrop = maildropOf(session);
  if (number !== undefined) {
    if (maildrop.message(number) === undefined) session.refuse(noSuchMessage);
    else session.say(ok(`${number} ${factOf(number)}`));
    return;
  }
  session.say(ok(title));
  for (const each of maildrop.numbers()) {
    session.say(listed(each, factOf(each)));
    await session.connection.room();
  }
  session.say(endOfList);
}

export async function retr(
  session: Session,
  { message: number }: Command & { name: 'RETR' | 'DELE' },
): Promise<void> {
  const maildrop = maildropOf(session);
  const message = maildrop.message(number);
  if (message === undefined) session.refuse(noSuchMessage);
  else if (await send(session, message, `${message.size} octets`)) maildrop.noteRetrieved(number);
}

export async function top(session: Session, command: Command & { name: 'TOP' }): Promise<void> {
  const message = maildropOf(session).message(command.message);
  if (message === undefined) session.refuse(noSuchMessage);
  else await send(session, message, 'Top of the message follows', new Top(command.lines));
}

export function dele(session: Session, { message }: Command & { name: 'RETR' | 'DELE' }): void {
  if (maildropOf(session).mark(message)) session.say(ok('Deleted at QUIT'));
  else session.refuse(noSuchMessage);
}

export function rset(session: Session): void {
  const maildrop = maildropOf(session);
  maildrop.unmarkAll();
  const { messages, octets } = maildrop.total;
  session.say(ok(`${messages} messages (${octets} octets)`));
}

export function noop(session: Session): void {
  session.say(ok('Here'));
}

/** What QUIT does. Messages that were fetched and stay are \Seen for IMAP clients of the same account. */
export async function update(session: Session, { account, maildrop }: Transaction): Promise<void> {
  const { connection, deps } = session;
  const { mailbox, marked, toExpunge, toMarkSeen } = maildrop;
  const facts = { ip: connection.ip, account: account.name, deleted: marked };
  try {
    if (marked > 0) await deps.writing.expunge(mailbox, toExpunge, { anyway: true });
  } catch (error) {
    connection.log.error({ ...facts, err: error }, 'messages could not be deleted');
    session.refuse('Deleted messages are still there', 'SYS/TEMP');
    return;
  }
  try {
    const seen = { how: 'add', flags: { system: flagBits['\\Seen'], keywords: [] } } as const;
    if (toMarkSeen.length > 0) await deps.writing.flag(mailbox, toMarkSeen, seen);
  } catch (error) {
    connection.log.warn({ ...facts, err: error }, 'messages could not be marked as seen');
  }
  if (marked > 0) connection.log.info(facts, 'messages deleted');
  session.say(ok(marked > 0 ? `${marked} messages deleted, bye` : 'Bye'));
}

/** true: all that was wanted was sent. */
async function send(session: Session, { body }: DropMessage, title: string, wanted?: Top): Promise<boolean> {
  const { connection, deps } = session;
  const stuffing = new Stuffing();
  let isBegun = false;
  const begin = () => {
    if (!isBegun) session.say(ok(title));
    isBegun = true;
  };
  try {
    for await (const chunk of deps.reading.content(body, connection.signal)) {
      begin();
      connection.write(stuffing.stuff(wanted?.take(chunk) ?? chunk));
      await connection.room();
      if (wanted?.complete === true) break;
    }
  } catch (error) {
    if (connection.signal.aborted) throw error;
    connection.log.error({ ip: connection.ip, body, err: error }, 'message cannot be read');
    if (isBegun) connection.destroy();
    else session.refuse('The message cannot be read', 'SYS/TEMP');
    session.isOver ||= isBegun;
    return false;
  }
  begin();
  session.say(stuffing.end());
  return true;
}

function maildropOf({ state }: Session): Maildrop {
  if (state.kind !== 'transaction') throw new Error('no maildrop before sign-in');
  return state.maildrop;
}
