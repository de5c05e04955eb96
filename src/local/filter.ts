/**
 * local/filter - what is to be done with one recipient's copy: the operator's scripts before, the owner's active
 * script, the operator's scripts after.
 *
 * Never rejects for a script's sake: whatever is wrong with one, the message is kept and the log says why
 * (RFC 5228 §2.10.6). Rejects only where the store is away, so that mail waits until its owner's script can be read.
 */
import type { Recipient } from '../mail/envelope.ts';
import { StoreAway, StoreFull } from '../ports/messages.ts';
import type { Outcome } from '../sieve/outcome.ts';
import { runAll } from '../sieve/run.ts';
import type { FindScript } from '../sieve/scope.ts';
import type { Script } from '../sieve/script.ts';
import type { CompiledScripts, ScriptText } from './compiled.ts';
import type { Folders } from './folders.ts';
import type { InHand } from './in-hand.ts';
import type { LocalOptions, OperatorScript } from './options.ts';
import type { Turns } from './turns.ts';
import type { Owner } from './whose.ts';
import { worldOf } from './world.ts';

export interface FilterParts {
  readonly options: LocalOptions;
  readonly compiled: CompiledScripts;
  /** Large bodies in memory at once. */
  readonly bodies: Turns;
}

export interface Filtering {
  readonly message: InHand;
  readonly recipient: Recipient;
  readonly owner: Owner;
  readonly folders: Folders;
}

/** undefined: there is no script that says anything. */
export async function filter(
  filtering: Filtering,
  parts: FilterParts,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const scripts = await scriptsOf(filtering, parts);
  if (scripts.length === 0) return undefined;
  const run = () => runScripts(scripts, filtering, parts, signal);
  return await (filtering.message.isLarge ? parts.bodies.take(run) : run());
}

async function runScripts(
  scripts: readonly Script[],
  { message, recipient, owner, folders }: Filtering,
  { options }: FilterParts,
  signal: AbortSignal,
): Promise<Outcome> {
  const facts = { queueId: message.queueId, account: owner.account.name };
  const environment = worldOf(message, recipient, owner, folders, options, signal);
  try {
    const outcome = await runAll(scripts, environment, { limits: options.policy().sieve });
    if (outcome.problem !== undefined)
      options.log.warn({ ...facts, ...outcome.problem }, 'a script failed: the message is kept');
    for (const warning of outcome.warnings) options.log.debug({ ...facts, ...warning }, 'a script is odd');
    return outcome;
  } catch (error) {
    if (signal.aborted || error instanceof StoreAway || error instanceof StoreFull) throw error;
    options.log.error({ ...facts, err: error }, 'a script could not be run: the message is kept');
    return keptAnyway;
  }
}

const keptAnyway: Outcome = {
  actions: [
    {
      kind: 'keep',
      implicit: true,
      because: { script: '', line: 0, column: 0, text: 'implicit keep: the script could not be run' },
    },
  ],
  marks: [],
  warnings: [],
  story: [],
  work: 0,
};

async function scriptsOf({ message, owner }: Filtering, parts: FilterParts): Promise<readonly Script[]> {
  const { options } = parts;
  const { before, after } = options.policy();
  const { id, name } = owner.account;
  const active = await options.scripts.active(id);
  const global = async (wanted: string) => await options.globalScript?.(wanted);
  const personal: FindScript = async (location, wanted) =>
    location === 'personal' ? await options.scripts.get(id, wanted) : await global(wanted);
  // An operator's script has nothing personal to include: no owner may change what it does.
  const operators: FindScript = async (location, wanted) =>
    location === 'global' ? await global(wanted) : undefined;
  const byOperator = ({ name: script, content }: OperatorScript): ScriptText => ({
    owner: 'operator',
    name: script,
    content,
    find: operators,
  });
  const texts: ScriptText[] = [
    ...before.map(byOperator),
    ...(active ? [{ owner: String(id), name: active.name, content: active.content, find: personal }] : []),
    ...after.map(byOperator),
  ];
  const scripts: Script[] = [];
  for (const text of texts) {
    const { script, problems } = await parts.compiled.get(text, options.policy().sieve);
    if (script !== undefined) scripts.push(script);
    else {
      const [first] = problems.filter(({ severity }) => severity === 'error');
      options.log.error(
        { queueId: message.queueId, account: name, ...first },
        `the script ${text.name} has errors and is not run: its mail is kept`,
      );
    }
  }
  return scripts;
}
