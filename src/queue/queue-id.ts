/**
 * queue/queue-id - names of messages in the spool: sixteen characters of [0-9A-Za-z] that sort by time.
 *
 * Eight say the millisecond, two count within it, six are drawn once for each process, so that no two nodes
 * ever make the same one and none has to ask the database.
 */
import type { QueueId } from '../ports/spool.ts';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const perMillisecond = digits.length ** 2;

function print(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / digits.length)) {
    text = digits[rest % digits.length] + text;
  }
  return text;
}

/** A maker of ids. `random` gives numbers in [0, 1). Ids never go back, even where the clock does. */
export function queueIds(now: () => Date, random: () => number): () => QueueId {
  const process = Array.from({ length: 6 }, () => digits[Math.floor(random() * digits.length)]).join('');
  let last = 0;
  let count = 0;
  return () => {
    const at = Math.max(now().getTime(), last);
    if (at > last) {
      last = at;
      count = 0;
    } else {
      count += 1;
      if (count === perMillisecond) {
        last += 1;
        count = 0;
      }
    }
    return print(last, 8) + print(count, 2) + process;
  };
}
