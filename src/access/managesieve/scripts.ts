/**
 * access/managesieve/scripts - what somebody who is inside does with scripts: HAVESPACE, PUTSCRIPT, CHECKSCRIPT,
 * LISTSCRIPTS, SETACTIVE, GETSCRIPT, DELETESCRIPT, RENAMESCRIPT (RFC 5804 §2.5 to §2.12).
 *
 * No script is kept that does not compile. What is wrong with one is told with its lines, warnings too.
 */
import { isUtf8 } from 'node:buffer';
import type { Account } from '../../mail/mailbox.ts';
import { type ScriptFault, ScriptTrouble } from '../../ports/scripts.ts';
import type { Command } from '../../protocol/managesieve/command.ts';
import { type ResponseCode, scriptContent, scriptEntry } from '../../protocol/managesieve/respond.ts';
import type { ScriptProblem } from './options.ts';
import type { Session } from './session.ts';

type Said<Name> = Command & { readonly name: Name };

/** Told of one script. */
const problemsAtMost = 20;

const noRoom: Readonly<Record<'tooBig' | 'tooMany' | 'quota', readonly [string, ResponseCode]>> = {
  tooBig: ['The script is too big', 'QUOTA/MAXSIZE'],
  tooMany: ['You have as many scripts as you may', 'QUOTA/MAXSCRIPTS'],
  quota: ['Your scripts are too big together', 'QUOTA'],
};

const faults: Readonly<Record<ScriptFault, readonly [string, ResponseCode?]>> = {
  missing: ['No script of that name', 'NONEXISTENT'],
  exists: ['There is a script of that name', 'ALREADYEXISTS'],
  active: ['The script is active', 'ACTIVE'],
  quota: noRoom.quota,
  badName: ['That is no name for a script'],
};

export const haveSpace = (session: Session, { script, size }: Said<'HAVESPACE'>): Promise<void> =>
  guarded(session, async (account) => {
    if (await fits(session, account, script, size)) session.ok();
  });

export const put = (session: Session, { script, content }: Said<'PUTSCRIPT'>): Promise<void> =>
  guarded(session, async (account) => {
    if (!(await fits(session, account, script, content.length))) return;
    const warnings = await judged(session, account, content, script);
    if (warnings === undefined) return;
    await session.deps.scripts.put(account.id, script, content.toString('utf8'));
    welcome(session, warnings);
  });

export const check = (session: Session, { content }: Said<'CHECKSCRIPT'>): Promise<void> =>
  guarded(session, async (account) => {
    const warnings = await judged(session, account, content, undefined);
    if (warnings !== undefined) welcome(session, warnings);
  });

export const list = (session: Session): Promise<void> =>
  guarded(session, async (account) => {
    for (const { name, active } of await session.deps.scripts.list(account.id))
      session.say(scriptEntry(name, active));
    session.ok();
  });

export const setActive = (session: Session, { script }: Said<'SETACTIVE'>): Promise<void> =>
  guarded(session, async (account) => {
    await session.deps.scripts.activate(account.id, script);
    session.ok();
  });

export const get = (session: Session, { script }: Said<'GETSCRIPT' | 'DELETESCRIPT'>): Promise<void> =>
  guarded(session, async (account) => {
    const content = await session.deps.scripts.get(account.id, script);
    if (content === undefined) throw new ScriptTrouble('missing', 'no such script');
    session.say(scriptContent(Buffer.from(content)));
    session.ok();
  });

export const remove = (session: Session, { script }: Said<'GETSCRIPT' | 'DELETESCRIPT'>): Promise<void> =>
  guarded(session, async (account) => {
    await session.deps.scripts.remove(account.id, script);
    session.ok();
  });

export const rename = (session: Session, { script, to }: Said<'RENAMESCRIPT'>): Promise<void> =>
  guarded(session, async (account) => {
    await session.deps.scripts.rename(account.id, script, to);
    session.ok();
  });

/** Whatever is thrown, the client gets one answer; what is not its fault is for our log. */
async function guarded(session: Session, work: (account: Account) => Promise<void>): Promise<void> {
  const { connection, state } = session;
  if (state.kind !== 'inside') throw new Error('no scripts before sign-in');
  try {
    await work(state.account);
  } catch (error) {
    if (error instanceof ScriptTrouble) return session.refuse(...faults[error.fault]);
    if (connection.signal.aborted) throw error;
    const facts = { ip: connection.ip, account: state.account.name, err: error };
    connection.log.error(facts, 'scripts cannot be reached');
    session.refuse('Trouble of ours', 'TRYLATER');
  }
}

async function fits(session: Session, account: Account, name: string, size: number): Promise<boolean> {
  const { deps, options } = session;
  const room = size > options.scriptSize ? 'tooBig' : await deps.scripts.room(account.id, name, size);
  if (room === 'room') return true;
  session.refuse(...noRoom[room]);
  return false;
}

/** The warnings; undefined: there are errors, and the client was told. */
async function judged(
  session: Session,
  account: Account,
  content: Buffer,
  name: string | undefined,
): Promise<readonly ScriptProblem[] | undefined> {
  if (!isUtf8(content)) {
    session.refuse('The script is not UTF-8');
    return undefined;
  }
  const { errors, warnings } = await session.deps.judge(content.toString('utf8'), name, account);
  if (errors.length === 0) return warnings;
  session.refuse(told(errors));
  return undefined;
}

const welcome = (session: Session, warnings: readonly ScriptProblem[]): void =>
  warnings.length === 0 ? session.ok() : session.ok(told(warnings), 'WARNINGS');

function told(problems: readonly ScriptProblem[]): string {
  const lines = problems.slice(0, problemsAtMost).map(({ line, text }) => `line ${line}: ${text}`);
  if (problems.length > problemsAtMost) lines.push(`and ${problems.length - problemsAtMost} more`);
  return lines.join('\r\n');
}
