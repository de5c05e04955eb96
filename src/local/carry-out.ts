/**
 * local/carry-out - does what was decided for one recipient, in an order in which a crash anywhere loses nothing.
 *
 *   1  bodies with edited headers are staged        nothing is seen of it; swept if we stop here
 *   2  all copies are appended, in one commit       from here on the mail is safe
 *   3  redirects and refusals go into the spool     each remembered by its key once the spool has it
 *   4  answers and notices go into the spool        claimed before: rather none than two (RFC 5230 §4.2)
 *   5  marks of `duplicate` are remembered          RFC 7352 §3: only when all was done
 *   6  the caller is told `delivered`
 *
 * A crash between 2 and 6 has the queue come again with the same octets. Then staging says that they are not new, and
 * the mailboxes are looked at before they are appended to: a copy that is there already is not made again. The octets
 * hold our own Received field with the queue id, so that nobody else's copy is taken for this one. Only where the owner
 * has moved the copy away meanwhile, or the script decides otherwise the second time, may there be two.
 * A crash within 3, between the spool's commit and the key, sends one redirect twice.
 */
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { BodyId, MailboxId } from '../mail/mailbox.ts';
import type { Reply } from '../mail/reply.ts';
import type { Log } from '../ports/log.ts';
import type { Append, Staged } from '../ports/messages.ts';
import { rejectReport } from '../sieve/compose/reject.ts';
import type { Redirect, Reject } from '../sieve/outcome.ts';
import { type AnswerScene, answer } from './answers.ts';
import type { Filtering } from './filter.ts';
import { duplicateKey, firstKey, sentKey } from './keys.ts';
import type { LocalOptions } from './options.ts';
import { originOf } from './origin.ts';
import type { Copy, Plan } from './plan.ts';
import { NoAddress, sendNew, sendOn } from './send.ts';
import { delivered, statusOf } from './status.ts';

const day = 86_400_000;
/** Longer than the queue tries. */
const sentMemory = 30 * day;
/** Messages looked at from the end of a mailbox, when it may hold the message already. */
const lookBack = 5_000;

export interface CarryOut {
  readonly filtering: Filtering;
  readonly options: LocalOptions;
  /** Whether a refusal can be said to the sender's system at once (LMTP), so that no message of ours need say it. */
  readonly whileConnected: boolean;
  /** Where this message was put already, for another of the person's addresses: one copy in a mailbox is enough. */
  readonly placed: Set<string>;
  readonly signal: AbortSignal;
}

/** Rejects as the ports do: then nothing, or something of the above, was done, and all of it may be tried again. */
export async function carryOut(plan: Plan, work: CarryOut): Promise<DeliveryStatus> {
  const { filtering, options, signal } = work;
  await store(plan.copies, work);
  for (const redirect of plan.redirects) await redirectOnce(redirect, work);
  const refused = plan.refusal === undefined ? undefined : await refuse(plan.refusal, work);
  const scene: AnswerScene = { filtering, options, signal };
  for (const action of plan.answers) await answer(action, scene);
  await remember(plan, work);
  return refused ?? delivered;
}

async function store(copies: readonly Copy[], work: CarryOut): Promise<void> {
  if (copies.length === 0) return;
  const { filtering, options, placed } = work;
  const { message } = filtering;
  const appends: Append[] = [];
  for (const { folder, flags, header } of copies) {
    const staged = header === undefined ? message.staged : await stageEdited(header, work);
    if (placed.has(placeOf(folder.id, staged.body))) continue;
    if (staged.isNew !== true && (await isThere(staged, folder.id, folder.status.uidNext, work))) continue;
    appends.push({ mailbox: folder.id, body: staged.body, flags });
  }
  if (appends.length > 0) await options.writing.append(appends, { grace: true });
  for (const { mailbox, body } of appends) placed.add(placeOf(mailbox, body));
}

const placeOf = (mailbox: MailboxId, body: BodyId): string => `${mailbox} ${body}`;

async function stageEdited(header: Uint8Array, { filtering, options, signal }: CarryOut): Promise<Staged> {
  const { message } = filtering;
  async function* content(): AsyncGenerator<Uint8Array> {
    yield message.top;
    yield* message.edited(header, signal);
  }
  const most = options.policy().messageLimit + message.top.length + header.length;
  return await options.writing.stage(content(), most, signal);
}

/** An earlier attempt, or one of the person's other addresses, has put it there. */
async function isThere(
  { body }: Staged,
  mailbox: MailboxId,
  uidNext: number,
  { options, signal }: CarryOut,
): Promise<boolean> {
  if (uidNext <= 1) return false;
  // What came in since the mailbox was asked about is looked at too.
  const range = { first: Math.max(1, uidNext - lookBack), last: uidNext + lookBack };
  for await (const rows of options.reading.rows(mailbox, [range], {}, signal))
    if (rows.some((row) => row.body === body)) return true;
  return false;
}

async function redirectOnce(action: Redirect, work: CarryOut): Promise<void> {
  const { filtering, options, signal } = work;
  const { message, recipient } = filtering;
  await once('redirect', action.address, work, async () => {
    await sendOn(action, message, recipient, options, signal);
  });
}

/** RFC 5429: in the reply where that reaches the sender's system; else `ereject` by report, `reject` by notification. */
async function refuse(action: Reject, work: CarryOut): Promise<DeliveryStatus> {
  const { filtering, options, signal, whileConnected } = work;
  const { message, recipient } = filtering;
  const { sender } = message.transaction;
  if (sender === null) return delivered;
  const ascii = /^[\t\r\n\x20-\x7e]*$/.test(action.reason);
  // A reply cannot carry the words of `reject` where they are not ASCII; a notification can.
  if (action.kind === 'ereject' || (whileConnected && ascii))
    return statusOf(refusalReply(action.reason, ascii));
  const report = rejectReport(action, {
    header: message.header,
    envelope: {
      from: sender.text,
      to: recipient.address.text,
      ...(recipient.orcpt === undefined ? {} : { orcpt: recipient.orcpt }),
    },
    origin: originOf(options),
  });
  if (report !== undefined)
    await once('reject', sender.text, work, async () => await sendNew(report, options, signal));
  return delivered;
}

const replyLines = 20;
const replyLine = 400;

function refusalReply(reason: string, ascii: boolean): Reply {
  const lines = ascii
    ? reason
        .split(/\r\n|\r|\n/)
        .map((line) => line.replaceAll('\t', ' ').trimEnd().slice(0, replyLine))
        .slice(0, replyLines)
    : ['The recipient does not accept this message'];
  return {
    code: 550,
    enhanced: '5.7.1',
    lines: lines.some((line) => line !== '') ? lines : ['Message refused'],
  };
}

/** Once for this message and recipient, also when delivery is repeated. What cannot be sent by its nature is logged. */
async function once(kind: string, to: string, work: CarryOut, send: () => Promise<void>): Promise<void> {
  const { filtering, options } = work;
  const { message, recipient, owner } = filtering;
  const key = sentKey(message.queueId, recipient.address.text, kind, to);
  const now = options.now();
  if (await options.memory.has(owner.account.id, key, now)) return;
  try {
    await send();
  } catch (error) {
    if (!(error instanceof NoAddress)) throw error;
    logUnsent(options.log, work, kind, error);
    return;
  }
  await options.memory.remember(owner.account.id, key, new Date(now.getTime() + sentMemory));
}

const logUnsent = (log: Log, { filtering }: CarryOut, kind: string, error: Error): void =>
  log.warn(
    { queueId: filtering.message.queueId, account: filtering.owner.account.name, err: error.message },
    `a script's ${kind} was not sent`,
  );

async function remember({ marks }: Plan, { filtering, options }: CarryOut): Promise<void> {
  const { memory } = options;
  const { message, recipient, owner } = filtering;
  const { id: account } = owner.account;
  const now = options.now();
  for (const { id, seconds } of marks) {
    const key = duplicateKey(id);
    const until = new Date(now.getTime() + seconds * 1000);
    if (!(await memory.has(account, key, now)))
      await memory.remember(account, firstKey(id, message.queueId, recipient.address.text), until);
    await memory.remember(account, key, until);
  }
}
