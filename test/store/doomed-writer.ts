/**
 * store/doomed-writer URL FOLDER ROUND MAILBOX… - writes into mailboxes until it is killed, and says what it was promised.
 *
 * The last two mailboxes are for copying, moving, flagging and expunging; into the others messages are only appended.
 * A line on stdout for each append, after it resolved: mailbox, UID, name; each message is made of its name.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { silentLog } from '../../src/ports/log.ts';
import { StoreAway } from '../../src/ports/messages.ts';
import { openDatabase } from '../../src/state/database.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { everything, letter, never } from './messages-setting.ts';

const sizes = [10, 500, 5000, 20_000, 200_000];

/** Octets that only this name has. */
export function messageNamed(name: string): Buffer {
  const seed = createHash('md5').update(name).digest();
  const noise = createCipheriv('aes-128-ctr', seed, Buffer.alloc(16));
  const size = sizes[(seed[0] ?? 0) % sizes.length] ?? 0;
  const text = noise.update(Buffer.alloc(size)).toString('base64').replace(/.{76}/g, '$&\r\n');
  return letter(name, [], text);
}

export const doomedKeys = [{ number: 1, key: Buffer.alloc(32, 1) }];
export const doomedLimits = { inlineLimit: 8192 };

if (import.meta.main) await write(process.argv.slice(2));

async function write([url = '', folder = '', round = '', ...ids]: readonly string[]): Promise<void> {
  const now = (): Date => new Date();
  const database = await openDatabase({
    url,
    maxConnections: 10,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'doomed',
    log: silentLog,
  });
  const blobs = await openFileBlobs({ folder, now, log: silentLog });
  const messages = openMessages({
    ...{ database, blobs, now, log: silentLog },
    ...{ compress: true, keys: doomedKeys, limits: doomedLimits },
  });
  const boxes = ids.map(Number);
  const [first = 0, second = 0] = boxes.splice(-2);
  const say = (...words: readonly unknown[]): void => void writeSync(1, `${words.join(' ')}\n`);

  const append = async (name: string): Promise<void> => {
    async function* content(): AsyncGenerator<Uint8Array> {
      yield messageNamed(name);
    }
    const { body } = await messages.stage(content(), 1e7, never);
    const mailbox = boxes[Math.floor(Math.random() * boxes.length)]!;
    const flags = {
      system: Math.floor(Math.random() * 32),
      keywords: Math.random() < 0.2 ? [`K${name.length}`] : [],
    };
    const [appended] = await messages.append([{ mailbox, body, flags }]);
    say(mailbox, appended!.uid, name);
  };
  const churn = async (): Promise<void> => {
    const some = [{ first: 1 + Math.floor(Math.random() * 50), last: 60 }];
    await messages.copy(boxes[0]!, some, first);
    await messages.flag(first, everything, { how: 'add', flags: { system: 8, keywords: ['Churned'] } });
    await messages.move(first, everything, second);
    await messages.expunge(second);
  };
  const forever = async (work: (count: number) => Promise<void>): Promise<never> => {
    for (let count = 0; ; count++) {
      try {
        await work(count);
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  say('ready');
  await Promise.all([
    ...[1, 2, 3, 4, 5].map((session) => forever((count) => append(`${round}.${session}.${count}`))),
    forever(churn),
  ]);
}
