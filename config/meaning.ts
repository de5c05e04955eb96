/**
 * config/meaning - what is well formed and still cannot be meant: listeners in each other's way, TLS without a
 * certificate, a door open to the whole Internet.
 */
import type { Config } from './schema.ts';

/** `path` in printed form: `listeners[1].port`. */
export interface MeaningProblem {
  readonly path: string;
  readonly text: string;
  readonly severity: 'error' | 'warning';
}

type Listener = Config['listeners'][number];

export const checkMeaning = (config: Config): readonly MeaningProblem[] => [
  ...config.listeners.flatMap((listener, index) => [
    ...checkPlace(listener, index, config.listeners.slice(0, index)),
    ...checkTls(listener, `listeners[${index}].tls`),
    ...openDoors(listener.relay.networks, `listeners[${index}].relay.networks`, 'relay to any domain'),
    ...openDoors(listener.xclient.networks, `listeners[${index}].xclient.networks`, 'pose as any client'),
  ]),
  ...Object.entries(config.sites).flatMap(([name, site]) => checkLogin(site, `sites.${name}`)),
  ...Object.entries(config.sites).flatMap(([name, { recognise, relay, trusted }]) => {
    if (!relay && !trusted) return [];
    const may = relay ? 'relay to any domain' : "write Exchange's internal header fields";
    return openDoors(recognise.networks, `sites.${name}.recognise.networks`, may);
  }),
];

function checkPlace(
  listener: Listener,
  index: number,
  others: readonly Listener[],
): readonly MeaningProblem[] {
  const problems: MeaningProblem[] = [];
  const namesake = others.findIndex(({ name }) => name === listener.name);
  if (namesake !== -1) {
    const text = `a second listener called ${JSON.stringify(listener.name)}; the first is listeners[${namesake}]`;
    problems.push({ path: `listeners[${index}].name`, text, severity: 'error' });
  }
  const rival = others.findIndex((other) => other.port === listener.port && overlap(other, listener));
  if (rival !== -1) {
    const text = `port ${listener.port} of ${listener.address} is taken by listeners[${rival}]`;
    problems.push({ path: `listeners[${index}].port`, text, severity: 'error' });
  }
  return problems;
}

/** `::` is all addresses, `0.0.0.0` all of IPv4; the system binds an address beside either of them only once. */
function overlap(one: Listener, other: Listener): boolean {
  if (one.address === other.address || [one, other].some(({ address }) => address === '::')) return true;
  return (
    [one, other].some(({ address }) => address === '0.0.0.0') &&
    !`${one.address}${other.address}`.includes(':')
  );
}

function checkTls({ tls }: Listener, path: string): readonly MeaningProblem[] {
  if (tls.mode !== 'none' && tls.certificates.length === 0) {
    const text = `expected a certificate, since tls.mode is ${tls.mode}`;
    return [{ path: `${path}.certificates`, text, severity: 'error' }];
  }
  if (tls.mode === 'none' && tls.certificates.length > 0) {
    const text = 'the certificates are not used, since tls.mode is none';
    return [{ path: `${path}.certificates`, text, severity: 'warning' }];
  }
  return [];
}

/** Whoever stands between can answer in the site's place, and is given the password. */
function checkLogin(site: Config['sites'][string], path: string): readonly MeaningProblem[] {
  if (site.auth === undefined || site.tls === 'verify' || site.authWithoutTls) return [];
  if (site.tls === 'none' && !site.implicitTls) {
    const text = 'a password is never sent without TLS, and tls is none: no mail would go there';
    return [{ path: `${path}.auth`, text, severity: 'error' }];
  }
  const text = `the password is given to whoever answers, since tls is ${site.tls}; with tls: verify only to the site itself`;
  return [{ path: `${path}.auth`, text, severity: 'warning' }];
}

const openDoors = (networks: readonly string[], path: string, may: string): readonly MeaningProblem[] =>
  networks.flatMap((network, index): MeaningProblem[] => {
    if (!network.endsWith('/0')) return [];
    return [{ path: `${path}[${index}]`, text: `anyone on the Internet may ${may}`, severity: 'warning' }];
  });
