/**
 * main/role-receive - takes mail in; where `run.deliverAtOnce` says so, it also makes the first attempt to deliver it.
 */
import { makeSenders } from '../directory/senders.ts';
import type { Spool } from '../ports/spool.ts';
import { openSpool } from '../queue/spool.ts';
import { openTrace } from '../queue/trace.ts';
import { bindListener } from '../receive/listener.ts';
import type { ListenerOptions } from '../receive/options.ts';
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role } from '../serve/role.ts';
import { unheard } from '../store/changed.ts';
import { openTree } from '../store/tree.ts';
import { now, openBase } from './base.ts';
import { openEntrance } from './entrance.ts';
import { openBlobs } from './ground.ts';
import { hostsMail, openLocalDelivery } from './local-delivery.ts';
import { openOutlet, openResolver, spoolOptions } from './outlet.ts';
import type { Settings } from './settings.ts';

export async function startReceive(first: Settings): Promise<Role> {
  const bound = await Promise.all(first.listeners.map((listener) => bindListener(listener)));
  // Every certificate is read and every low port bound: from here on nothing needs root.
  dropPrivileges(first.user);
  const base = await openBase('receive', first);
  const { config } = first;
  const { database, log, metrics, routing, compiled } = base;
  const blobs = await openBlobs(config, first.installation, log, now);
  const trace = openTrace({ database, log, metrics });
  const resolver = await openResolver(config);
  // Scripts of people here send by the spool, which hands what it takes to the worker that delivers to them.
  const late: { spool?: ReturnType<typeof openSpool> } = {};
  const local = hostsMail(first) ? await openLocalDelivery(base, lateSpool(late), trace) : undefined;
  const near = config.run.deliverAtOnce ? openOutlet(base, blobs, resolver, local?.agent) : undefined;
  const spool = openSpool({
    ...spoolOptions(base, blobs),
    ...(near === undefined ? {} : { worker: near.worker }),
  });
  late.spool = spool;
  const takesSubmissions = first.listeners.some(({ protocol }) => protocol === 'submission');
  const entrance = takesSubmissions
    ? await openEntrance(base, local?.hosting ?? openTree({ database, changed: unheard, now }))
    : undefined;
  const recognise = (ip: string, names: readonly string[]) => compiled().recognise(ip, names);
  const senders = makeSenders(base.directory, () => base.settings().config.directory.senders);
  const deps = {
    ...{ spool, routing, trace, metrics, log, resolver, recognise, senders, now },
    authenticator: entrance?.authenticator,
    local: local?.atOnce,
  };
  const listeners = bound.map((one) => one.serve(deps));
  return {
    facts: {
      listeners: listeners.map(({ address, port }, index) => ({
        name: first.listeners[index]?.name,
        address,
        port,
      })),
    },
    async reload(next) {
      const { listeners: options } = next as Settings;
      await base.take(next as Settings);
      listeners.forEach((listener, index) => {
        const bound = first.listeners[index];
        const fresh = options.find(({ name }) => name === bound?.name);
        if (bound !== undefined && fresh !== undefined) listener.reload(asBound(fresh, bound));
      });
    },
    async drain(signal) {
      await Promise.all(listeners.map((listener) => listener.drain(signal)));
      // Deliveries that end now may still send something by their scripts.
      await near?.close(signal);
      await spool.close();
      await entrance?.close();
      await local?.hosting.close();
      await trace.close();
      await base.close();
    },
    metrics: () => metrics.snapshot(),
  };
}

const lateSpool = (late: { readonly spool?: Spool }): Spool => {
  const spool = (): Spool => {
    if (late.spool === undefined) throw new Error('the spool is not open yet');
    return late.spool;
  };
  return {
    newId: () => spool().newId(),
    accept: (incoming, signal) => spool().accept(incoming, signal),
  };
};

/** What is bound to the socket waits for a restart (config/reload says so); everything else is live without it. */
const asBound = (
  fresh: ListenerOptions,
  { protocol, address, port, tls }: ListenerOptions,
): ListenerOptions => ({
  ...fresh,
  ...{ protocol, address, port },
  tls: { ...fresh.tls, mode: tls.mode },
});
