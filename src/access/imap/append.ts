/**
 * access/imap/append - APPEND (RFC 9051 §6.3.12), of several messages (RFC 3502), put together (RFC 4469), in UTF-8
 * (RFC 6855 §4), in place of another (RFC 8508).
 *
 * The octets go to the store as they come; the messages are in the mailbox all together, or none is. Whatever is wrong
 * is said before the literal is asked for, where the client waits.
 */
import type { Flags } from '../../mail/mailbox.ts';
import { flagBits, flagsOf } from '../../mail/mailbox.ts';
import type { UidRange } from '../../mail/uid-set.ts';
import type { Append, Appended, Staged } from '../../ports/messages.ts';
import type { AppendEvent, AppendTarget, MessageLiteral } from '../../protocol/imap/request/append.ts';
import { StructureScanner } from '../../protocol/mime/structure.ts';
import { ConnectionGone } from '../connection.ts';
import { withoutNul } from './append-binary.ts';
import { refuseCount } from './message-limit.ts';
import type { Known } from './names.ts';
import { uidRanges } from './numbers.ts';
import { bad, no, Refusal } from './refusal.ts';
import type { Done } from './rule.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';
import { urlContent } from './url-content.ts';

/** Of one command. */
const messagesAtMost = 1000;

export async function append(session: Session, target: AppendTarget): Promise<Done> {
  try {
    const user = userOf(session);
    const replaces = target.command === 'REPLACE' ? replaced(session, target) : undefined;
    const known = await user.names.needSelectable(target.mailbox, 'i', 'noTarget');
    const messages = await readMessages(session, user, known);
    const appended = await session.deps.writing.append(
      messages.map((message) => (replaces === undefined ? message : { ...message, replaces })),
    );
    await tell(session, known, replaces !== undefined);
    return { text: 'Appended', code: appendUid(appended) };
  } catch (thrown) {
    session.input.refuseRest();
    throw thrown;
  }
}

function userOf({ state }: Session): User {
  if (state.kind === 'authenticated' || state.kind === 'selected') return state.user;
  throw bad('Sign in first');
}

/** RFC 8508 §3.4: as STORE \Deleted and EXPUNGE. */
function replaced(
  { state }: Session,
  target: AppendTarget & { readonly command: 'REPLACE' },
): NonNullable<Append['replaces']> {
  if (state.kind !== 'selected') throw bad('Select a mailbox first');
  const { view } = state;
  if (view.isReadOnly) throw no('readOnly');
  if (!view.rights.includes('t') || !view.rights.includes('e')) throw no('noRight');
  const [range] = uidRanges(view, [{ first: target.replaces, last: target.replaces }], target.uid);
  if (range === undefined || !view.uids.has(range.first)) throw no('issued');
  return { mailbox: view.mailbox, uid: range.first };
}

async function readMessages(session: Session, user: User, known: Known): Promise<Append[]> {
  const messages: Append[] = [];
  for (;;) {
    const event = await next(session);
    if (event.kind === 'append-end') return messages;
    if (event.kind !== 'message') throw new Error(`a message was expected, not ${event.kind}`);
    refuseCount(session, messages.length + 1);
    if (messages.length >= messagesAtMost) throw no('tooMany');
    const staged = await stageMessage(session, user, event.catenate);
    messages.push({
      mailbox: known.folder.id,
      body: staged.body,
      flags: permitted(flagsOf(event.flags), known.rights),
      ...(event.date === undefined ? {} : { internalDate: event.date }),
    });
  }
}

/** RFC 3516 §4.4: a message with NUL is kept in another encoding. */
async function stageMessage(session: Session, user: User, isCatenated: boolean): Promise<Staged> {
  const { message: limit } = session.options.limits;
  const { writing } = session.deps;
  const seen: Seen = { hasNul: false, scanner: undefined };
  const staged = await writing.stage(contentOf(session, user, isCatenated, seen), limit, session.signal);
  if (!seen.hasNul || seen.scanner === undefined) return staged;
  const recoded = withoutNul(session, staged.body, seen.scanner.finish());
  return await writing.stage(recoded, 2 * limit, session.signal);
}

interface Seen {
  hasNul: boolean;
  /** While all that came is one literal8. */
  scanner: StructureScanner | undefined;
}

async function* contentOf(
  session: Session,
  user: User,
  isCatenated: boolean,
  seen: Seen,
): AsyncIterable<Uint8Array> {
  for (;;) {
    const event = await next(session);
    if (event.kind === 'literal') {
      beginLiteral(session, event, isCatenated);
      if (event.form !== 'text' && !isCatenated) seen.scanner = new StructureScanner();
    } else if (event.kind === 'octets') {
      seen.scanner?.push(event.octets);
      if (event.octets.includes(0)) {
        if (seen.scanner === undefined)
          throw new Refusal('NO', { text: 'NUL must come in a literal8', code: { code: 'UNKNOWN-CTE' } });
        seen.hasNul = true;
      }
      yield event.octets;
    } else if (event.kind === 'url') yield* urlContent(session, user, event.url);
    else if (event.kind === 'message-end') return;
    else throw new Error(`content was expected, not ${event.kind}`);
  }
}

function beginLiteral(session: Session, literal: MessageLiteral, isCatenated: boolean): void {
  if (literal.size === 0 && !isCatenated) throw new Refusal('NO', { text: 'Taken back' });
  if (literal.form === 'utf8' && !session.dialect.utf8) throw bad('Enable UTF8=ACCEPT first');
  if (literal.waits) session.goOn('Go on');
}

type Next = AppendEvent | { readonly kind: 'octets'; readonly octets: Buffer };

/** A string of the command that stands in a literal is asked for on the way. */
async function next(session: Session): Promise<Next> {
  for (;;) {
    const event = await session.input.event();
    if (event === undefined) throw new ConnectionGone('the client went away within APPEND');
    if (event.kind === 'refused') {
      const { verdict, text, code } = event;
      throw new Refusal(verdict, { text, ...(code === undefined ? {} : { code }) });
    }
    if (event.kind === 'command' || event.kind === 'line')
      throw new Error(`APPEND was expected to go on, not ${event.kind}`);
    if (event.kind !== 'go-on') return event;
    session.goOn('Go on');
  }
}

/** RFC 4314 §4: flags for which there is no right are left out. */
function permitted({ system, keywords }: Flags, rights: string): Flags {
  const may =
    (rights.includes('s') ? flagBits['\\Seen'] : 0) |
    (rights.includes('t') ? flagBits['\\Deleted'] : 0) |
    (rights.includes('w') ? flagBits['\\Answered'] | flagBits['\\Flagged'] | flagBits['\\Draft'] : 0);
  return { system: system & may, keywords: rights.includes('w') ? keywords : [] };
}

/** RFC 9051 §6.3.12: at once, where it is the selected mailbox. */
async function tell(session: Session, known: Known, isReplaced: boolean): Promise<void> {
  const { state } = session;
  if (state.kind === 'selected' && (isReplaced || state.view.mailbox === known.folder.id))
    await session.tellNews(state.view, { expunges: true, ask: true });
}

const appendUid = (appended: readonly Appended[]) =>
  ({
    code: 'APPENDUID',
    validity: appended[0]?.uidValidity ?? 0,
    uids: appended.map(({ uid }): UidRange => ({ first: uid, last: uid })),
  }) as const;
