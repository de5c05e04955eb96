/**
 * demo/verdict - whether each copy is where it belongs: what the client was told, what the sites got, what the trace says.
 */
import type { QueueControl } from '../ports/queue-control.ts';
import type { Trace, TraceRow } from '../ports/trace.ts';
import type { Arrival } from './pretend-site.ts';
import type { Expected, Sample } from './samples.ts';

/** What the gateway said of one recipient of one sample. */
export interface Said {
  readonly sample: Sample;
  readonly index: number;
  readonly messageId: string;
  readonly recipient: string;
  readonly code: number;
  readonly reply: string;
}

export interface Outcome {
  readonly ok: boolean;
  /** Of the message, from 1. */
  readonly message: number;
  readonly what: string;
  readonly recipient: string;
  /** A site, `refused` or `held`. */
  readonly went: string;
  /** The address at the site, else empty. */
  readonly as: string;
  readonly because: readonly string[];
}

export interface Summary {
  /** Messages answered with 250. */
  readonly accepted: number;
  /** Copies at the sites. */
  readonly delivered: number;
  readonly bySite: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly held: number;
  /** Expected and not there. */
  readonly lost: number;
  /** There and not expected, or there twice. */
  readonly unexpected: number;
}

export async function judge(
  said: readonly Said[],
  arrivals: readonly Arrival[],
  services: { readonly trace: Trace; readonly queue: QueueControl },
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly summary: Summary }> {
  const held = await heldRecipients(services.queue, signal);
  const left = arrivals.map(printArrival);
  const outcomes: Outcome[] = [];
  for (const one of said) {
    const rows = await storyOf(services.trace, one, signal);
    for (const expected of one.sample.to[one.recipient] ?? []) {
      outcomes.push(outcomeOf(one, expected, left, held, rows));
    }
  }
  const bySite: Record<string, number> = {};
  for (const { site } of arrivals) bySite[site] = (bySite[site] ?? 0) + 1;
  return {
    outcomes,
    summary: {
      accepted: new Set(said.filter(({ code }) => code === 250).map(({ index }) => index)).size,
      delivered: arrivals.length,
      bySite,
      refused: said.filter(({ code }) => code >= 400).length,
      held: held.size,
      lost: outcomes.filter(({ ok }) => !ok).length,
      unexpected: left.length,
    },
  };
}

const printArrival = ({ site, recipient, messageId }: Arrival): string => `${site} ${recipient} ${messageId}`;

/** An arrival that was expected is struck out of `left`. */
function outcomeOf(
  one: Said,
  expected: Expected,
  left: string[],
  held: ReadonlySet<string>,
  rows: readonly TraceRow[],
): Outcome {
  const base = { message: one.index + 1, what: one.sample.what, recipient: one.recipient, as: '' };
  if ('refused' in expected) {
    return { ...base, ok: one.code === expected.refused, went: 'refused', because: [one.reply] };
  }
  if ('held' in expected) {
    const ok = held.has(`${one.recipient} ${one.messageId}`);
    return { ...base, ok, went: 'held', because: reasonsOf(rows, ({ event }) => event === 'held') };
  }
  const place = left.indexOf(`${expected.at} ${expected.as} ${one.messageId}`);
  if (place >= 0) left.splice(place, 1);
  const because = reasonsOf(
    rows,
    ({ event, detail, recipient }) =>
      event === 'delivered' &&
      detail.nextHop === `site:${expected.at}` &&
      // The address at the next hop is told where it is another one.
      String(detail.address ?? recipient).toLowerCase() === expected.as,
  );
  return { ...base, ok: place >= 0, went: expected.at, as: expected.as, because };
}

const reasonsOf = (rows: readonly TraceRow[], fits: (row: TraceRow) => boolean): readonly string[] =>
  rows.find(fits)?.because ?? [];

async function heldRecipients(queue: QueueControl, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for await (const { messageId, recipients } of queue.list({ status: 'held' }, signal)) {
    for (const { address } of recipients) held.add(`${address} ${messageId}`);
  }
  return held;
}

const storyOf = (trace: Trace, { messageId }: Said, signal: AbortSignal): Promise<TraceRow[]> =>
  Array.fromAsync(trace.find({ messageId }, signal));
