/**
 * local/answers - what a script says by itself: vacation answers (RFC 5230) and notices by mail (RFC 5436), with the
 * copies that `:fcc` files (RFC 8580).
 *
 * The message is safe by now. So nothing here fails its delivery: what goes wrong is logged, and an answer that was
 * claimed and not sent may be sent for the next message.
 */
import { flagsOf } from '../mail/mailbox.ts';
import { notifyMessage } from '../sieve/compose/notify.ts';
import type { Outgoing } from '../sieve/compose/outgoing.ts';
import { vacationKey as answerKey, vacationReply } from '../sieve/compose/vacation.ts';
import type { Fcc, Notify, Vacation } from '../sieve/outcome.ts';
import type { Filtering } from './filter.ts';
import { sentKey, vacationKey } from './keys.ts';
import type { LocalOptions } from './options.ts';
import { originOf } from './origin.ts';
import { sendNew } from './send.ts';
import { originalOf } from './world.ts';

export interface AnswerScene {
  readonly filtering: Filtering;
  readonly options: LocalOptions;
  readonly signal: AbortSignal;
}

/** What is said of one message is said once, also when delivery is repeated. */
const repeatMemory = 30 * 86_400_000;

/** Never rejects. */
export async function answer(action: Vacation | Notify, scene: AnswerScene): Promise<void> {
  const { filtering, options } = scene;
  const facts = { queueId: filtering.message.queueId, account: filtering.owner.account.name };
  try {
    const why = action.kind === 'vacation' ? await vacation(action, scene) : await notify(action, scene);
    if (why !== undefined) options.log.debug({ ...facts, why }, `no ${action.kind} is sent`);
  } catch (error) {
    options.log.warn({ ...facts, err: error }, `a script's ${action.kind} was not sent`);
  }
}

/** Why nothing was sent. */
async function vacation(action: Vacation, scene: AnswerScene): Promise<string | undefined> {
  const { filtering, options } = scene;
  const { message, recipient, owner } = filtering;
  const { sender } = message.transaction;
  const from = sender?.text ?? '';
  const originalTo = originalOf(recipient.orcpt);
  const result = vacationReply(action, {
    header: message.header,
    envelope: { from, to: recipient.address.text, ...(originalTo === undefined ? {} : { originalTo }) },
    ownAddresses: owner.addresses,
    origin: originOf(options),
    settings: options.policy().vacation,
  });
  if ('silent' in result) return result.silent;
  const key =
    action.seconds === 0
      ? sentKey(message.queueId, recipient.address.text, 'vacation', from)
      : vacationKey(answerKey(action.handle, from));
  const lasts = action.seconds === 0 ? repeatMemory : action.seconds * 1000;
  const sent = await claimAndSend(key, lasts, result.reply, scene);
  if (!sent) return 'the sender was answered before';
  if (action.fcc) await fileCopy(action.fcc, result.reply, scene);
  return undefined;
}

async function notify(action: Notify, scene: AnswerScene): Promise<string | undefined> {
  const { filtering, options } = scene;
  const { message, recipient } = filtering;
  const to = recipient.address.text;
  const result = notifyMessage(action, {
    header: message.header,
    envelope: { from: message.transaction.sender?.text ?? '', to },
    owner: to,
    origin: originOf(options),
  });
  if ('silent' in result) return result.silent;
  const key = sentKey(message.queueId, to, `notify ${action.message ?? ''}`, action.method);
  const sent = await claimAndSend(key, repeatMemory, result.message, scene);
  if (!sent) return 'it was sent before';
  if (action.fcc) await fileCopy(action.fcc, result.message, scene);
  return undefined;
}

/** false: claimed before. A claim whose message the spool does not take ends at once. */
async function claimAndSend(
  key: string,
  lasts: number,
  outgoing: Outgoing,
  { filtering, options, signal }: AnswerScene,
): Promise<boolean> {
  const { id } = filtering.owner.account;
  const now = options.now();
  if (!(await options.memory.claim(id, key, now, new Date(now.getTime() + lasts)))) return false;
  try {
    await sendNew(outgoing, options, signal);
  } catch (error) {
    await options.memory.remember(id, key, now);
    throw error;
  }
  return true;
}

async function fileCopy(
  fcc: Fcc,
  outgoing: Outgoing,
  { filtering, options, signal }: AnswerScene,
): Promise<void> {
  const { folder } = await filtering.folders.target(fcc, options.policy().createFolders);
  async function* content(): AsyncGenerator<Uint8Array> {
    yield outgoing.content;
  }
  const staged = await options.writing.stage(content(), outgoing.content.length, signal);
  const flags = flagsOf(fcc.flags ?? []);
  await options.writing.append([{ mailbox: folder.id, body: staged.body, flags }], { grace: true });
}
