/**
 * queue/expand - a group's recipient becomes its members' recipients, once each.
 *
 * Members are streamed from the directory into rows of the same message; a slot is one person, so whoever is in two
 * groups, or in the envelope as well, gets one copy. Done twice, after a crash in between, it adds nothing: rows that
 * are done stay until their message goes, and the group's own row is done only when all members have theirs.
 *
 * A nested group with an address is a recipient of its own, for routing to judge; one without is walked here, unless
 * the directory says that it must not be (`unusable`). Groups already on the way are cut: that is how loops end.
 */
import type { Address } from '../mail/address.ts';
import type { Notify } from '../mail/envelope.ts';
import type { GroupExpansion } from '../mail/route.ts';
import type { Database } from '../ports/database.ts';
import type { Directory } from '../ports/directory.ts';
import { insertRecipients } from './insert.ts';
import { type NewRecipient, type SpooledMessage, type SpooledRecipient, slotOf } from './rows.ts';

export interface ExpandOptions {
  readonly database: Database;
  readonly members: Directory['members'];
  readonly now: () => Date;
}

export interface Expansion {
  /** Rows made: members that were not recipients already. */
  readonly added: number;
  readonly members: number;
  readonly unusable: number;
  /** The first of these, with reasons; absent: none. */
  readonly skipped?: readonly string[];
  /** Groups not entered again. */
  readonly cut: number;
}

const rowsAtOnce = 500;
const skippedNamed = 20;

interface Counted {
  added: number;
  members: number;
  unusable: number;
  cut: number;
  readonly skipped: string[];
}

interface Member {
  readonly address: Address;
  readonly expandedFrom: readonly string[];
}

export async function expandGroup(
  { database, members, now }: ExpandOptions,
  message: SpooledMessage,
  recipient: SpooledRecipient,
  group: GroupExpansion,
  signal: AbortSignal,
): Promise<Expansion> {
  const counted: Counted = { added: 0, members: 0, unusable: 0, cut: 0, skipped: [] };
  const inherited = inheritance(recipient, group);
  let rows: (NewRecipient & { readonly messageId: string })[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length > 0) counted.added += (await insertRecipients(database, rows)).size;
    rows = [];
  };
  for await (const { address, expandedFrom } of walk(
    members,
    group.id,
    recipient.expandedFrom,
    counted,
    signal,
  )) {
    counted.members += 1;
    rows.push({
      messageId: message.id,
      slot: slotOf(address),
      recipient: { address, ...inherited.wishes },
      dueAt: now(),
      expandedFrom,
      ...(inherited.reportTo === undefined ? {} : { reportTo: inherited.reportTo }),
    });
    if (rows.length >= rowsAtOnce) await flush();
  }
  await flush();
  const { skipped, ...counts } = counted;
  return skipped.length > 0 ? { ...counts, skipped } : counts;
}

/** Depth first; groups without an address are entered here. */
async function* walk(
  members: Directory['members'],
  id: string,
  from: readonly string[],
  counted: Counted,
  signal: AbortSignal,
): AsyncGenerator<Member> {
  const entered = new Set([...from, id]);
  const pending: { readonly id: string; readonly path: readonly string[] }[] = [{ id, path: [...from, id] }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { path } = next;
    for await (const member of members(next.id, signal)) {
      if (member.kind === 'entry') {
        yield { address: member.address, expandedFrom: path };
      } else if (member.kind === 'unusable') {
        counted.unusable += 1;
        if (counted.skipped.length < skippedNamed) counted.skipped.push(`${member.where}: ${member.why}`);
      } else if (entered.has(member.id)) {
        counted.cut += 1;
      } else if (member.address) {
        yield { address: member.address, expandedFrom: path };
      } else {
        entered.add(member.id);
        pending.push({ id: member.id, path: [...path, member.id] });
      }
    }
  }
}

interface Inheritance {
  readonly reportTo: Address | null | undefined;
  readonly wishes: { readonly notify?: readonly Notify[]; readonly orcpt?: string };
}

/**
 * RFC 3461 §5.2.7: a group whose reports go to somebody of its own is a mailing list, and the sender's wishes end
 * there. Any other is an alias with several addresses: they are handed down, but for success, which `expanded` told.
 */
function inheritance(recipient: SpooledRecipient, group: GroupExpansion): Inheritance {
  const reportTo = group.reportTo === undefined ? recipient.reportTo : group.reportTo;
  if (reportTo !== undefined) return { reportTo, wishes: {} };
  const { notify, orcpt } = recipient.recipient;
  const rest = notify?.filter((wish) => wish !== 'success');
  return {
    reportTo,
    wishes: {
      ...(rest === undefined ? {} : { notify: rest.length > 0 ? rest : ['never'] }),
      ...(orcpt === undefined ? {} : { orcpt }),
    },
  };
}
