/**
 * sieve/result - the actions of a run while they gather: which exclude each other, which are the same, and whether
 * the implicit keep still holds (RFC 5228 §2.10.2 to §2.10.5).
 */
import type { Action, DuplicateMark, Keep, Outcome } from './outcome.ts';
import type { Run } from './run.ts';

/** What may not stand beside a refusal (RFC 5429 §2.1: the message is not delivered then). */
const delivers: ReadonlySet<Action['kind']> = new Set(['keep', 'fileinto', 'redirect', 'vacation']);

export class Result {
  #actions: Action[] = [];
  readonly marks: DuplicateMark[] = [];
  #keepCancelled = false;
  /** Actions of the scripts before this one: settled, nothing conflicts with them any more. */
  #settled = 0;
  /** Of addflag and setflag without a variable (RFC 5232 §5): what keep and fileinto take when they do not say. */
  flags: readonly string[] | undefined;
  /** The script has edited the header. */
  edited = false;

  get actions(): readonly Action[] {
    return this.#actions;
  }

  get keepsImplicitly(): boolean {
    return !this.#keepCancelled;
  }

  /** The message is kept, by word or because nothing said otherwise. */
  get keeps(): boolean {
    return !this.#keepCancelled || this.#actions.slice(this.#settled).some(({ kind }) => kind === 'keep');
  }

  cancelKeep(): void {
    this.#keepCancelled = true;
  }

  /** The next script of a sequence begins (RFC 5228 knows none; operators do). */
  continue(): void {
    this.#settled = this.#actions.length;
    this.#keepCancelled = false;
  }

  add(run: Run, action: Action): void {
    if (this.#isSettled(action)) return;
    this.#refuseConflicts(run, action);
    const same = this.#actions.findIndex((one) => isSame(one, action));
    if (same >= 0) {
      this.#actions[same] = merge(this.#actions[same] as Action, action);
      return;
    }
    this.#countUp(run, action);
    this.#actions.push(action);
  }

  #refuseConflicts(run: Run, action: Action): void {
    const refusal = action.kind === 'reject' || action.kind === 'ereject';
    for (const one of this.#actions.slice(this.#settled)) {
      const other = one.kind === 'reject' || one.kind === 'ereject';
      if (refusal && other)
        throw run.trouble(`duplicate ${action.kind} action: line ${one.because.line} has one`);
      if ((refusal && delivers.has(one.kind)) || (other && delivers.has(action.kind))) {
        throw run.trouble(
          `the ${action.kind} action conflicts with the ${one.kind} action of line ${one.because.line}`,
        );
      }
      if (action.kind === 'vacation' && one.kind === 'vacation') {
        throw run.trouble(`duplicate vacation action: line ${one.because.line} has one`);
      }
    }
  }

  /** One refusal and one answer are enough, whichever script asked first. */
  #isSettled(action: Action): boolean {
    const once = (kind: Action['kind']): string => (kind === 'ereject' ? 'reject' : kind);
    const before = this.#actions.slice(0, this.#settled).map(({ kind }) => once(kind));
    const kind = once(action.kind);
    return (kind === 'reject' || kind === 'vacation') && before.includes(kind as Action['kind']);
  }

  #countUp(run: Run, action: Action): void {
    const { actions, redirects, notifications } = run.limits;
    if (this.#actions.length >= actions) {
      throw run.trouble(`total number of actions exceeds policy limit: at most ${actions} are permitted`);
    }
    const count = (kind: Action['kind']) => this.#actions.filter((one) => one.kind === kind).length;
    if (action.kind === 'redirect' && count('redirect') >= redirects) {
      throw run.trouble(
        `number of redirect actions exceeds policy limit: at most ${redirects} are permitted`,
      );
    }
    if (action.kind === 'notify' && count('notify') >= notifications) {
      throw run.trouble(
        `number of notify actions exceeds policy limit: at most ${notifications} are permitted`,
      );
    }
  }

  finish(run: Run): Pick<Outcome, 'actions' | 'marks'> {
    if (this.#keepCancelled || this.#actions.some(({ kind }) => kind === 'keep')) {
      return { actions: this.#actions, marks: this.marks };
    }
    return { actions: [...this.#actions, implicitKeep(run)], marks: this.marks };
  }

  /** The implicit keep and nothing else; edits are forgotten. */
  static afterFailure(run: Run): Pick<Outcome, 'actions' | 'marks'> {
    const because = { script: run.script, ...run.place, text: 'implicit keep: the script failed' };
    return { actions: [{ kind: 'keep', implicit: true, because }], marks: [] };
  }
}

function implicitKeep(run: Run): Keep {
  const { flags, edited } = run.result;
  return {
    kind: 'keep',
    implicit: true,
    ...(flags ? { flags } : {}),
    ...(edited ? { header: run.message.header.octets() } : {}),
    because: {
      script: run.script,
      line: run.place.line,
      column: 1,
      text: 'implicit keep: nothing cancelled it',
    },
  };
}

/** Keep stores in the inbox; to file there is the same. */
const isInbox = (action: Action): boolean =>
  action.kind === 'keep' ||
  (action.kind === 'fileinto' &&
    action.mailbox.toLowerCase() === 'inbox' &&
    action.mailboxId === undefined &&
    action.specialUse === undefined);

function isSame(one: Action, other: Action): boolean {
  if (isInbox(one) && isInbox(other)) return true;
  if (one.kind === 'discard') return other.kind === 'discard';
  if (one.kind === 'fileinto') {
    return (
      other.kind === 'fileinto' &&
      one.mailbox === other.mailbox &&
      one.mailboxId === other.mailboxId &&
      one.specialUse === other.specialUse
    );
  }
  if (one.kind === 'redirect') {
    return (
      other.kind === 'redirect' &&
      one.address.toLowerCase() === other.address.toLowerCase() &&
      one.list === other.list
    );
  }
  return (
    one.kind === 'notify' &&
    other.kind === 'notify' &&
    one.method === other.method &&
    one.message === other.message
  );
}

/** The first stays where it is; flags and edits are the last word's (RFC 5232 §5). */
function merge(one: Action, other: Action): Action {
  if (isInbox(one) && isInbox(other)) {
    const keep = one.kind === 'keep' ? one : other.kind === 'keep' ? other : undefined;
    const { flags, header } = other as Keep;
    const given = { ...(flags ? { flags } : {}), ...(header ? { header } : {}) };
    if (keep) return { kind: 'keep', implicit: false, ...given, because: one.because };
  }
  if (one.kind === 'fileinto' && other.kind === 'fileinto') {
    return { ...one, ...other, create: one.create || other.create, because: one.because };
  }
  return one;
}
