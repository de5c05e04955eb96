/**
 * sieve/by-hand - a script checked, and run over a message, for people who want to see what it would do and why.
 */
import { decodeOctets } from '../protocol/sieve/octets.ts';
import { compile } from './compile.ts';
import { emptyWorld } from './environment.ts';
import { messageOf } from './message/message.ts';
import type { Action, Outcome } from './outcome.ts';
import { run } from './run.ts';
import type { FindScript, ScriptProblem } from './scope.ts';

export interface ScriptByHand {
  readonly name: string;
  readonly find: (name: string) => Promise<Uint8Array | undefined>;
}

export interface MessageByHand extends ScriptByHand {
  /** '' is the null reverse-path. */
  readonly from: string;
  readonly to: string;
  readonly mailboxes: readonly string[];
  readonly now: Date;
}

export interface Story {
  readonly story: readonly string[];
  readonly actions: readonly string[];
  readonly problem?: string;
  readonly json: object;
}

const finder =
  ({ find }: ScriptByHand): FindScript =>
  async (_, name) => {
    const octets = await find(name);
    return octets && decodeOctets(octets);
  };

export async function checkByHand(
  script: Uint8Array,
  options: ScriptByHand,
): Promise<readonly ScriptProblem[]> {
  const { problems } = await compile(decodeOctets(script), { name: options.name, find: finder(options) });
  return problems;
}

export async function runByHand(
  script: Uint8Array,
  message: Uint8Array,
  options: MessageByHand,
): Promise<{ readonly problems: readonly ScriptProblem[]; readonly story?: Story }> {
  const compiled = await compile(decodeOctets(script), { name: options.name, find: finder(options) });
  if (compiled.script === undefined) return { problems: compiled.problems };
  const outcome = await run(compiled.script, {
    ...emptyWorld,
    message: messageOf(message),
    envelope: { from: options.from, to: options.to },
    now: options.now,
    mailboxes: { ...emptyWorld.mailboxes, exists: async (name) => options.mailboxes.includes(name) },
  });
  return { problems: compiled.problems, story: tell(outcome) };
}

function tell(outcome: Outcome): Story {
  const { story, warnings, actions, problem, work, marks } = outcome;
  return {
    story: [
      ...story.map(({ line, text }) => `line ${line}: ${text}`),
      ...warnings.map(({ line, text }) => `line ${line}: warning: ${text}`),
    ],
    actions: actions.map((action) => `${describe(action)} (${reasonOf(action)})`),
    ...(problem ? { problem: `line ${problem.line}: ${problem.text}` } : {}),
    json: { actions: actions.map(plain), marks, warnings, ...(problem ? { problem } : {}), story, work },
  };
}

const reasonOf = ({ because }: Action): string =>
  because.text.startsWith('implicit') ? because.text : `line ${because.line}: ${because.text}`;

/** Bytes are no JSON. */
const plain = (action: Action): object =>
  'header' in action && action.header ? { ...action, header: decodeOctets(action.header) } : action;

function describe(action: Action): string {
  switch (action.kind) {
    case 'keep':
      return `keep in INBOX${flagsOf(action)}${editsOf(action)}`;
    case 'fileinto':
      return `file into "${action.mailbox}"${action.create ? ', made when it is not there' : ''}${flagsOf(action)}${editsOf(action)}`;
    case 'redirect':
      return `send on to ${action.list ? `the list ${action.list}` : action.address}${editsOf(action)}`;
    case 'discard':
      return 'discard';
    case 'reject':
    case 'ereject':
      return `refuse, saying "${action.reason}"`;
    case 'vacation':
      return `answer the sender, once in ${action.seconds} seconds`;
    case 'notify':
      return `notify ${action.method}`;
  }
}

const flagsOf = ({ flags }: { readonly flags?: readonly string[] }): string =>
  flags === undefined ? '' : ` with flags (${flags.join(' ')})`;

const editsOf = ({ header }: { readonly header?: Uint8Array }): string =>
  header ? ', with its header edited' : '';
