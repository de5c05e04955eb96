/**
 * route/lint-rule - what in one rule cannot be meant, taken by itself.
 */
import { parseAddress } from '../mail/address.ts';
import { parseReply } from '../mail/reply.ts';
import { internalHeaders } from './copies.ts';
import { makeGlob } from './pattern.ts';
import {
  type Action,
  asList,
  type Condition,
  type RoutingProblem,
  type RoutingSpec,
  type RuleSpec,
} from './spec.ts';

export type Report = (path: string, text: string, severity?: RoutingProblem['severity']) => void;

export function lintRule(rule: RuleSpec, path: string, spec: RoutingSpec, report: Report): void {
  const actions = asList(rule.then);
  const deciding = actions.flatMap(({ routeTo, redirect, reject, hold }) =>
    Object.entries({ routeTo, redirect, reject, hold }).filter(([, value]) => value !== undefined),
  );
  if (actions.length === 0 || actions.every((action) => Object.keys(action).length === 0)) {
    report(`${path}.then`, 'expected an action');
  }
  if (deciding.length > 1) {
    const names = deciding.map(([name]) => name).join(' and ');
    report(`${path}.then`, `only one action of a rule may decide, here are ${names}`);
  }
  if (rule.stop === true && deciding.length > 0) {
    report(`${path}.stop`, 'has no effect beside an action that decides', 'warning');
  }
  actions.forEach((action, index) => {
    const at = Array.isArray(rule.then) ? `${path}.then[${index}]` : `${path}.then`;
    lintAction(action, at, spec, report);
  });
  if (rule.when !== undefined) lintNames(rule.when, `${path}.when`, spec, report);
}

function lintAction(action: Action, path: string, spec: RoutingSpec, report: Report): void {
  for (const key of ['routeTo', 'deliverAlso'] as const) {
    const site = action[key];
    if (site !== undefined) siteExists(spec, site, `${path}.${key}`, report);
  }
  if (action.redirect !== undefined) isAddress(action.redirect, `${path}.redirect`, report);
  if (action.reject !== undefined && (parseReply(action.reject)?.code ?? 0) < 400) {
    report(`${path}.reject`, `expected a reply such as "550 5.7.1 Not here", found "${action.reject}"`);
  }
  const { journalTo, addHeader } = action;
  if (journalTo !== undefined) {
    isAddress(journalTo.address, `${path}.journalTo.address`, report);
    if (journalTo.site !== undefined) siteExists(spec, journalTo.site, `${path}.journalTo.site`, report);
  }
  const forged = internalHeaders.some((one) => makeGlob(one).matches(addHeader?.name.toLowerCase() ?? ''));
  if (forged)
    report(`${path}.addHeader.name`, "one of Exchange's internal header fields, which are never forged");
}

/** Sites and domains that a condition speaks of and that are nowhere else in the configuration. */
function lintNames(condition: Condition, path: string, spec: RoutingSpec, report: Report): void {
  condition.all?.forEach((one, index) => {
    lintNames(one, `${path}.all[${index}]`, spec, report);
  });
  condition.any?.forEach((one, index) => {
    lintNames(one, `${path}.any[${index}]`, spec, report);
  });
  if (condition.not) lintNames(condition.not, `${path}.not`, spec, report);
  for (const site of asList(condition.recipient?.home)) {
    siteExists(spec, site, `${path}.recipient.home`, report);
  }
  for (const site of asList(condition.client?.site)) siteExists(spec, site, `${path}.client.site`, report);
  if (condition.all?.length === 0) report(`${path}.all`, 'is empty: it is always true');
  if (condition.any?.length === 0) report(`${path}.any`, 'is empty: it is never true');
}

export function siteExists(spec: RoutingSpec, site: string, path: string, report: Report): void {
  if (Object.hasOwn(spec.sites, site)) return;
  const names = Object.keys(spec.sites);
  const known = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
  report(path, `there is no site ${site}; ${known}`);
}

function isAddress(text: string, path: string, report: Report): void {
  if (parseAddress(text) === undefined) report(path, `expected a mail address, found "${text}"`);
}
