/**
 * demo/pretend-site - a mail system that takes everything and remembers only who got what: our own listener over a
 * spool in memory.
 */
import { addressKey } from '../mail/address.ts';
import { silentLog } from '../ports/log.ts';
import { noMetrics } from '../ports/metrics.ts';
import type { Routing } from '../ports/routing.ts';
import type { Incoming, Spool } from '../ports/spool.ts';
import { type Listener, startListener } from '../receive/listener.ts';
import type { ListenerOptions } from '../receive/options.ts';

export interface Arrival {
  readonly site: string;
  readonly recipient: string;
  readonly messageId: string | undefined;
}

export interface PretendSite {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

const takesAll: Routing = {
  headerNames: [],
  route: async () => ({ verdict: 'deliver', copies: [], because: [] }),
  routeAll: async (questions) => questions.map(() => ({ verdict: 'deliver', copies: [], because: [] })),
};

/** Arrivals kept; a demo that is left running forgets nothing it needs, and does not grow for ever. */
const kept = 10_000;

export async function startPretendSite(
  name: string,
  options: ListenerOptions,
  arrivals: Arrival[],
): Promise<PretendSite> {
  let count = 0;
  const spool: Spool = {
    newId: () => {
      count += 1;
      return `${name}${count}`;
    },
    async accept(incoming: Incoming) {
      for await (const _chunk of incoming.content);
      const { facts } = await incoming.finish();
      for (const { address } of incoming.envelope.recipients) {
        arrivals.push({ site: name, recipient: addressKey(address), messageId: facts.messageId });
      }
      if (arrivals.length > kept) arrivals.splice(0, arrivals.length - kept);
    },
  };
  const listener: Listener = await startListener(options, {
    spool,
    routing: takesAll,
    trace: { record() {}, async *find() {} },
    metrics: noMetrics,
    log: silentLog,
    now: () => new Date(),
  });
  return { name, port: listener.port, close: () => listener.close() };
}
