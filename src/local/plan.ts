/**
 * local/plan - a script's decision as what delivery has to do: copies to store, messages to send, or a refusal.
 *
 * Pure but for mailboxes that are looked up or made. Two actions that end in the same mailbox with the same header are
 * one copy (RFC 5228 §2.10.3). A redirect that would go round in a circle, or to no address, is not done; when it was all
 * that was to be done, the message is kept.
 */
import { parseAddress } from '../mail/address.ts';
import type { Flags, MailFolder } from '../mail/mailbox.ts';
import { flagsOf, noFlags } from '../mail/mailbox.ts';
import type { Log } from '../ports/log.ts';
import { wasRedirectedBy } from '../sieve/compose/redirect.ts';
import type {
  Action,
  FileInto,
  Keep,
  Notify,
  Outcome,
  Redirect,
  Reject,
  Vacation,
} from '../sieve/outcome.ts';
import type { Filtering } from './filter.ts';
import type { LocalPolicy } from './options.ts';

export interface Copy {
  readonly folder: MailFolder;
  readonly flags: Flags;
  /** The header section in place of the message's own. */
  readonly header?: Uint8Array;
}

export interface Plan {
  readonly copies: readonly Copy[];
  readonly redirects: readonly Redirect[];
  readonly refusal?: Reject;
  readonly answers: readonly (Vacation | Notify)[];
  readonly marks: Outcome['marks'];
  /** `fileinto "Junk": line 3 …`, for the log and the trace. */
  readonly because: readonly string[];
}

/** Kept in the inbox, and nothing else: what is done when the plan cannot be. */
export async function plainPlan({ folders }: Filtering): Promise<Plan> {
  const copies = [{ folder: await folders.inbox(), flags: noFlags }];
  return {
    copies,
    redirects: [],
    answers: [],
    marks: [],
    because: ['the script’s decision could not be carried out: kept'],
  };
}

/** `outcome` undefined: no script, the message is kept. */
export async function planOf(
  outcome: Outcome | undefined,
  filtering: Filtering,
  policy: LocalPolicy,
  log: Log,
): Promise<Plan> {
  const actions = outcome?.actions ?? [];
  const of = <K extends Action['kind']>(...kinds: readonly K[]) =>
    actions.filter((action): action is Extract<Action, { kind: K }> =>
      (kinds as readonly string[]).includes(action.kind),
    );
  const refusal = of('reject', 'ereject')[0];
  const redirects = of('redirect').filter((action) => goesOn(action, filtering, policy, log));
  const stored = of('keep', 'fileinto');
  const lost = stored.length === 0 && redirects.length === 0 && of('redirect').length > 0;
  const copies = outcome === undefined || lost ? [await kept(filtering, policy)] : [];
  for (const action of stored) addCopy(copies, await copyOf(action, filtering, policy, log));
  return {
    copies,
    redirects,
    ...(refusal === undefined ? {} : { refusal }),
    answers: of('vacation', 'notify'),
    marks: outcome?.marks ?? [],
    because: actions.map(inWords),
  };
}

function goesOn(
  action: Redirect,
  { message, recipient, owner }: Filtering,
  policy: LocalPolicy,
  log: Log,
): boolean {
  const hops = message.header.all('received').length;
  const why =
    parseAddress(action.address) === undefined
      ? 'that is no mail address'
      : wasRedirectedBy(recipient.address.text, message.header)
        ? 'it did so before, it is a loop'
        : hops >= policy.maxHops
          ? `it has been through ${hops} systems`
          : undefined;
  if (why === undefined) return true;
  const facts = { queueId: message.queueId, account: owner.account.name, to: action.address };
  log.warn(facts, `a script does not send the message on: ${why}`);
  return false;
}

/** Kept by nobody's word: in the inbox, or where the address says (ada+lists). */
async function kept({ owner, folders }: Filtering, policy: LocalPolicy): Promise<Copy> {
  const { detail } = owner;
  if (detail === undefined || detail === '' || policy.detailFolder === 'never')
    return { folder: await folders.inbox(), flags: noFlags };
  const found = await folders.target({ mailbox: detail, create: false }, policy.detailFolder === 'create');
  return { folder: found.folder, flags: noFlags };
}

/** Characters of a keyword; longer ones are left out. */
const keywordLimit = 200;

async function copyOf(
  action: Keep | FileInto,
  filtering: Filtering,
  policy: LocalPolicy,
  log: Log,
): Promise<Copy> {
  const { message, owner, folders } = filtering;
  const flags = flagsOf((action.flags ?? []).filter((flag) => flag.length <= keywordLimit));
  const header = action.header !== undefined && message.headerWhole ? { header: action.header } : {};
  if (action.kind === 'keep') {
    if (action.implicit) return { ...(await kept(filtering, policy)), flags, ...header };
    return { folder: await folders.inbox(), flags, ...header };
  }
  const { folder, instead } = await folders.target(action, policy.createFolders);
  if (instead !== undefined) {
    log.warn(
      { queueId: message.queueId, account: owner.account.name, mailbox: action.mailbox, why: instead },
      'a script files into a mailbox that is not to be had: the inbox takes the message',
    );
  }
  return { folder, flags, ...header };
}

function addCopy(copies: Copy[], copy: Copy): void {
  const same = copies.findIndex(
    ({ folder, header }) => folder.id === copy.folder.id && isSameHeader(header, copy.header),
  );
  const one = copies[same];
  if (one === undefined) copies.push(copy);
  else {
    const flags = {
      system: one.flags.system | copy.flags.system,
      keywords: [...new Set([...one.flags.keywords, ...copy.flags.keywords])],
    };
    copies[same] = { ...one, flags };
  }
}

const isSameHeader = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && Buffer.compare(one, other) === 0);

/** Words of the script and names of mailboxes; nothing of the message. */
function inWords(action: Action): string {
  const what =
    action.kind === 'fileinto'
      ? `fileinto ${JSON.stringify(action.mailbox)}`
      : action.kind === 'redirect'
        ? `redirect ${action.address}`
        : action.kind;
  const { script, line, text } = action.because;
  return `sieve: ${what} (${script} line ${line}: ${text})`;
}
