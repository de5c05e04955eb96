/**
 * local/options - what the room is handed, and what an operator may say about delivery to mailboxes here.
 */
import type { Accounts } from '../ports/accounts.ts';
import type { Directory } from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import type { Annotations, Mailboxes } from '../ports/mailboxes.ts';
import type { Reading, Writing } from '../ports/messages.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ScriptMemory, Scripts } from '../ports/scripts.ts';
import type { Spool } from '../ports/spool.ts';
import type { Trace } from '../ports/trace.ts';
import type { VacationSettings } from '../sieve/compose/vacation.ts';
import type { Limits } from '../sieve/limits.ts';

/** A script of the operator's. */
export interface OperatorScript {
  readonly name: string;
  readonly content: string;
}

export interface LocalPolicy {
  /** In Message-IDs, Received fields and reports of ours. */
  readonly hostname: string;
  /** Name of the directory source that lists accounts made here (connectors/accounts); its entries bear account numbers. */
  readonly localSource?: string | undefined;
  /** What parts `ada+lists` (RFC 5233). */
  readonly detailSeparator: string;
  /** Mail for ada+lists that no script has filed: into the mailbox `lists` where there is one, or always. */
  readonly detailFolder: 'never' | 'existing' | 'create';
  /** later: 452, and the sender's system tries again. never: 552. */
  readonly overQuota: 'later' | 'never';
  /** Mail for accounts that are disabled. */
  readonly disabled: 'deliver' | 'later' | 'refuse';
  /** Envelope sender of what a script sends on (RFC 5228 §4.2); the null sender stays null. */
  readonly redirectSender: 'sender' | 'recipient';
  /** Make mailboxes that scripts file into without `:create`; else that mail goes to the inbox. */
  readonly createFolders: boolean;
  /** Received fields beyond which no script sends a message on. */
  readonly maxHops: number;
  /** Octets. */
  readonly messageLimit: number;
  /** Octets of the header section that scripts see. */
  readonly headerLimit: number;
  /** Octets up to which a message is kept in memory while it is delivered. */
  readonly memoryLimit: number;
  /** Octets of a body that scripts may look at; what is beyond they do not see. */
  readonly bodyLimit: number;
  /** Bodies larger than memoryLimit that are in memory at once. */
  readonly bodiesAtOnce: number;
  /** Recipients of one message that are worked on at once. */
  readonly recipientsAtOnce: number;
  /** Run before and after the owner's script. */
  readonly before: readonly OperatorScript[];
  readonly after: readonly OperatorScript[];
  /** Compiled scripts kept. */
  readonly compiledLimit: number;
  readonly sieve: Limits;
  readonly vacation: VacationSettings;
}

export interface LocalOptions {
  readonly accounts: Pick<Accounts, 'byId' | 'byName' | 'byEntry' | 'forEntry'>;
  readonly mailboxes: Pick<Mailboxes, 'list' | 'get' | 'create'>;
  readonly annotations?: Pick<Annotations, 'of'> | undefined;
  readonly writing: Pick<Writing, 'stage' | 'append'>;
  readonly reading: Pick<Reading, 'content' | 'rows'>;
  readonly scripts: Pick<Scripts, 'active' | 'get'>;
  readonly memory: ScriptMemory;
  readonly directory: Pick<Directory, 'lookup'>;
  /** Takes what scripts send: redirects, answers, notices, refusals. */
  readonly spool: Spool;
  /** Scripts for `include :global`. */
  readonly globalScript?: ((name: string) => Promise<string | undefined>) | undefined;
  readonly trace?: Trace | undefined;
  /** Asked at each delivery, so that a reload is seen. */
  readonly policy: () => LocalPolicy;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** From 0 to below 1. */
  readonly random: () => number;
}
