/**
 * deliver/data - the content of a message onto the wire: dots stuffed, with back-pressure, in few writes.
 *
 * Pieces are gathered up to one block, so that a small message with its final dot is one write; then the peer must
 * have taken the block before the next one is read. When the content fails, or gives other octets than it said, the
 * connection is broken: the peer must not take half a message for a whole one.
 */
import type { DeliveryTask } from '../ports/delivery-agent.ts';
import { BareLineEnd, DotStuffing } from '../protocol/smtp/client-stuffing.ts';
import { PeerFault } from './fault.ts';
import type { Wire } from './wire.ts';

const block = 64 * 1024;

/** all: the final dot is on its way. part: the wire broke, or the peer spoke before the end. */
export async function sendContent(
  task: DeliveryTask,
  wire: Wire,
  blockLimit: number,
  signal: AbortSignal,
): Promise<'all' | 'part' | 'bare line end'> {
  const stuffing = new DotStuffing();
  let pieces: (Buffer | string)[] = [];
  let gathered = 0;
  let size = 0;
  try {
    for await (const chunk of task.content(signal)) {
      size += chunk.length;
      for (let from = 0; from < chunk.length; from += block) {
        const part = from === 0 && chunk.length <= block ? chunk : chunk.subarray(from, from + block);
        pieces.push(...stuffing.stuff(part));
        gathered += part.length;
        if (gathered < block) continue;
        wire.send(pieces);
        pieces = [];
        gathered = 0;
        if (wire.needsDrain) await wire.drained(blockLimit);
        if (wire.fault || wire.answered) return 'part';
      }
    }
    if (size !== task.size) throw new Error(`the content has ${size} octets instead of ${task.size}`);
    pieces.push(stuffing.end());
  } catch (error) {
    if (error instanceof BareLineEnd) return 'bare line end';
    wire.break(new PeerFault('cut', 'the content could not be read'));
    throw error;
  }
  if (wire.fault || wire.answered) return 'part';
  wire.send(pieces);
  return 'all';
}
