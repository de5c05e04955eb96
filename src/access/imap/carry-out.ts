/**
 * access/imap/carry-out - a command by its rule, where the session's state permits it (RFC 9051 §3).
 */
import type { Command } from '../../protocol/imap/request/command.ts';
import { ruleOf } from './commands.ts';
import { bad } from './refusal.ts';
import type { Done, News, Rule } from './rule.ts';
import type { Session } from './session.ts';

/** RFC 9586 §3: these name messages by numbers unless UID stands before them. */
const byNumbers: ReadonlySet<string> = new Set([
  'FETCH',
  'STORE',
  'COPY',
  'MOVE',
  'SEARCH',
  'SORT',
  'THREAD',
]);

const ruleFor = ({ name }: Command): Rule<Command['name']> | undefined =>
  ruleOf(name) as Rule<Command['name']> | undefined;

/** What may be told when it is done. */
export function newsAfter(command: Command): News {
  const news = ruleFor(command)?.news ?? 'none';
  return typeof news === 'function' ? news(command as never) : news;
}

/** Throws a Refusal where it may not come now. */
export function carryOut(session: Session, tag: string, command: Command): Promise<Done> | Done {
  const rule = ruleFor(command);
  if (rule === undefined) throw bad('This command is not known');
  const { state } = session;
  const call = { session, tag, command: command as never };
  if (rule.where === 'any') return rule.run(call);
  if (rule.where === 'notAuthenticated') {
    if (state.kind !== 'notAuthenticated') throw bad('You have signed in already');
    return rule.run(call);
  }
  if (state.kind === 'notAuthenticated' || state.kind === 'logout') throw bad('Sign in first');
  if (rule.where === 'authenticated') return rule.run({ ...call, user: state.user });
  if (state.kind !== 'selected') throw bad('Select a mailbox first');
  if (session.enabled.has('UIDONLY') && byNumbers.has(command.name) && 'uid' in command && !command.uid)
    throw bad('There are no sequence numbers here', 'UIDREQUIRED');
  return rule.run({ ...call, user: state.user, view: state.view });
}
