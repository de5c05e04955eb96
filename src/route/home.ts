/**
 * route/home - at which site one person's mailbox is.
 *
 * First answer wins: the override that a cut-over laid over the directory, the operator's home rules, a targetAddress
 * in a site's routing domain (Exchange's remote mailbox; Exchange too sends on what still has a mailbox beside it),
 * what the directory says, the default of the kind, the default of all. Contacts have no home, and an entry whose
 * targetAddress leads elsewhere has none by default either.
 */

import type { Compiled } from './compile.ts';
import type { Person, Scene } from './condition.ts';

export interface Home {
  readonly site: string;
  readonly because: string;
}

/** `scene` gives home rules what they look at: its recipient. */
export function homeOf(person: Person, scene: Scene, compiled: Compiled): Home | undefined {
  const { entry, override } = person;
  if (entry === undefined) return undefined;
  if (override !== undefined) return { site: override, because: `override: home is ${override}` };
  if (entry.kind === 'contact') return undefined;
  const { homes } = compiled;
  for (const rule of homes.rules) {
    if (rule.test({ ...scene, recipient: person }) !== true) continue;
    return { site: rule.site, because: `home rule ${rule.number}: home is ${rule.site}` };
  }
  const remote = entry.targetAddress && compiled.routingDomains.get(entry.targetAddress.domain);
  if (remote !== undefined) {
    return { site: remote, because: `directory: targetAddress ${entry.targetAddress?.text} is at ${remote}` };
  }
  if (entry.home !== undefined) return { site: entry.home, because: `directory: home is ${entry.home}` };
  if (entry.targetAddress !== undefined) return undefined;
  const ofKind = homes.byKind[entry.kind];
  if (ofKind !== undefined) return { site: ofKind, because: `default home of ${entry.kind}: ${ofKind}` };
  if (homes.default === undefined || entry.kind === 'group') return undefined;
  return { site: homes.default, because: `default home: ${homes.default}` };
}
