/**
 * route/recognise - which of our sites a client is: by the name in its verified certificate, else by its network.
 *
 * A certificate is the stronger proof and is asked first. Networks of a cloud provider are shared by all its
 * customers: they say who runs the machine, not whose mail it is.
 */
import { type Glob, makeGlob, type Network, parseNetwork } from './pattern.ts';
import type { SiteSpec } from './spec.ts';

/** `certificateNames` are those of a verified certificate, and of no other. */
export type Recognition = (ip: string, certificateNames: readonly string[]) => string | undefined;

interface Marks {
  readonly site: string;
  readonly names: readonly Glob[];
  readonly networks: readonly Network[];
}

export function makeRecognition(sites: Readonly<Record<string, Pick<SiteSpec, 'recognise'>>>): Recognition {
  const all: readonly Marks[] = Object.entries(sites).map(([site, { recognise }]) => ({
    site,
    names: recognise.certificateNames.map((name) => makeGlob(name.toLowerCase())),
    networks: recognise.networks.map(parseNetwork),
  }));
  return (ip, certificateNames) => {
    const shown = certificateNames.map((name) => name.toLowerCase());
    const byName = all.find(({ names }) =>
      names.some((name) => shown.some((one) => one === name.text || matchesLabel(name, one))),
    );
    return (byName ?? all.find(({ networks }) => networks.some((network) => network.contains(ip))))?.site;
  };
}

/** `*.example.org` stands for one label, leftmost (RFC 6125 §6.4.3). */
const matchesLabel = (pattern: Glob, name: string): boolean =>
  pattern.text.startsWith('*.') && name.slice(name.indexOf('.') + 1) === pattern.text.slice(2);
