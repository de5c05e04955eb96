/**
 * route/lint - what in the operator's words cannot be meant, before it is put in force.
 *
 * Errors are refused by `config check` and by a reload; warnings are printed. A rule that is said to be unreachable
 * really is (reach.ts proves it); not every unreachable rule is found, since that would take unbounded time.
 */
import { compile } from './compile.ts';
import { formulaOf, leavesOf } from './formula.ts';
import { lintRule, type Report, siteExists } from './lint-rule.ts';
import { neverTrue } from './logic.ts';
import { networksDisjoint, parseNetwork, SpecError } from './pattern.ts';
import { makeJudge } from './reach.ts';
import type { RoutingProblem, RoutingSpec } from './spec.ts';

export interface LintContext {
  /** Some directory is configured. */
  readonly hasDirectory: boolean;
}

export function lint(spec: RoutingSpec, context: LintContext): readonly RoutingProblem[] {
  const problems: RoutingProblem[] = [];
  const report: Report = (path, text, severity = 'error') => problems.push({ path, text, severity });
  lintDomains(spec, context, report);
  lintSites(spec, report);
  lintHomes(spec, report);
  const names = new Map<string, number>();
  spec.rules.forEach((rule, index) => {
    const path = `rules[${index}]`;
    const twin = names.get(rule.name);
    if (twin !== undefined) {
      report(`${path}.name`, `rules[${twin}] has the same name, "${rule.name}"`);
    }
    names.set(rule.name, twin ?? index);
    lintRule(rule, path, spec, report);
  });
  lintReach(spec, report);
  if (!problems.some(({ severity }) => severity === 'error')) lintWhole(spec, report);
  return problems;
}

/** What no other check has seen and compile() still does not understand. */
function lintWhole(spec: RoutingSpec, report: Report): void {
  try {
    compile(spec);
  } catch (thrown) {
    if (!(thrown instanceof SpecError)) throw thrown;
    report('', thrown.message);
  }
}

function lintDomains(spec: RoutingSpec, { hasDirectory }: LintContext, report: Report): void {
  const seen = new Map<string, number>();
  spec.domains.forEach((domain, index) => {
    const path = `domains[${index}]`;
    const key = domain.name.toLowerCase();
    const twin = seen.get(key);
    if (twin !== undefined) report(`${path}.name`, `domains[${twin}] is ${domain.name} already`);
    seen.set(key, index);
    if (domain.site !== undefined) siteExists(spec, domain.site, `${path}.site`, report);
    if (domain.type === 'internalRelay') lintRelay(spec, path, domain.site, report);
    if (domain.type === 'authoritative' && domain.site !== undefined) {
      report(`${path}.site`, 'has no effect: an authoritative domain refuses unknown recipients', 'warning');
    }
    if (domain.type === 'authoritative' && !hasDirectory && domain.catchAll === undefined) {
      const text = `there is no directory: every recipient of ${domain.name} would be refused as unknown`;
      report(`${path}.type`, text);
    }
  });
  if (spec.domains.length > 0 && spec.postmaster === undefined) {
    const text =
      'no postmaster: mail for it is refused where the directory has no such address (RFC 5321 §4.5.1)';
    report('postmaster', text, 'warning');
  }
}

/** Two sides that each leave unknown recipients to the other pass them round (KB 3173405). */
function lintRelay(spec: RoutingSpec, path: string, name: string | undefined, report: Report): void {
  if (name === undefined) {
    report(`${path}.site`, 'expected a site: internalRelay sends unknown recipients there');
    return;
  }
  const site = spec.sites[name];
  if (site === undefined) return;
  const { networks, certificateNames } = site.recognise;
  if (networks.length > 0 || certificateNames.length > 0) return;
  report(
    `${path}.site`,
    `mail from ${name} is not recognised (sites.${name}.recognise is empty): if ${name} relays unknown recipients back to us, the loop is only noticed after two rounds. One side must be authoritative`,
    'warning',
  );
}

function lintSites(spec: RoutingSpec, report: Report): void {
  const domains = new Map<string, string>();
  for (const [name, site] of Object.entries(spec.sites)) {
    const path = `sites.${name}`;
    if (site.nextHops.length === 0) report(`${path}.nextHops`, `site ${name} has no next hop`);
    if (site.transparent && !site.trusted) {
      report(`${path}.transparent`, 'a transparent site must be trusted too');
    }
    if (site.routing === 'require' && site.routingDomain === undefined) {
      report(`${path}.routing`, 'require needs a routingDomain');
    }
    const twin = site.routingDomain === undefined ? undefined : domains.get(site.routingDomain.toLowerCase());
    if (twin !== undefined) {
      report(`${path}.routingDomain`, `site ${twin} has the same routing domain`);
    }
    if (site.routingDomain !== undefined) domains.set(site.routingDomain.toLowerCase(), name);
  }
  lintRecognition(spec, report);
  lintSharedClouds(spec, report);
}

/** Servers of all customers of a provider show these names. */
const sharedNames = /(^|\.)(protection\.outlook\.com|google\.com|pphosted\.com|mimecast\.com)$/i;

function lintSharedClouds(spec: RoutingSpec, report: Report): void {
  for (const [site, { recognise }] of Object.entries(spec.sites)) {
    recognise.certificateNames.forEach((name, index) => {
      if (recognise.ownSendersOnly || !sharedNames.test(name)) return;
      const text = `every customer of that provider shows the name ${name}: set ownSendersOnly, or their mail to people at ${site} is refused as a loop`;
      report(`sites.${site}.recognise.certificateNames[${index}]`, text, 'warning');
    });
  }
}

function lintRecognition(spec: RoutingSpec, report: Report): void {
  const seen: { readonly site: string; readonly network: ReturnType<typeof parseNetwork> }[] = [];
  for (const [site, { recognise }] of Object.entries(spec.sites)) {
    recognise.networks.forEach((text, index) => {
      const path = `sites.${site}.recognise.networks[${index}]`;
      attempt(report, path, () => {
        const network = parseNetwork(text);
        const other = seen.find((one) => one.site !== site && !networksDisjoint(one.network, network));
        if (other !== undefined) {
          report(
            path,
            `overlaps ${other.network.text} of site ${other.site}, which is asked first`,
            'warning',
          );
        }
        seen.push({ site, network });
      });
    });
  }
}

function lintHomes(spec: RoutingSpec, report: Report): void {
  const { rules, byKind } = spec.homes;
  rules.forEach((rule, index) => {
    const path = `homes.rules[${index}]`;
    siteExists(spec, rule.site, `${path}.site`, report);
    attempt(report, `${path}.when`, () => {
      const formula = formulaOf(rule.when);
      const foreign = [...leavesOf(formula)].find((one) => !('who' in one) || one.who !== 'recipient');
      if (foreign !== undefined) {
        report(`${path}.when`, `a home depends on the recipient only, not on ${foreign.fact}`);
      } else if (neverTrue(formula)) report(`${path}.when`, 'can never be true');
    });
  });
  for (const [kind, site] of Object.entries(byKind)) {
    siteExists(spec, site, `homes.byKind.${kind}`, report);
  }
  if (spec.homes.default !== undefined) siteExists(spec, spec.homes.default, 'homes.default', report);
  if (spec.groups.opaqueSite !== undefined) {
    siteExists(spec, spec.groups.opaqueSite, 'groups.opaqueSite', report);
  }
}

function lintReach(spec: RoutingSpec, report: Report): void {
  const judge = makeJudge();
  spec.rules.forEach((rule, index) => {
    const path = `rules[${index}].when`;
    attempt(report, path, () => {
      const reach = judge(rule, index);
      if (reach === 'never true') report(path, 'can never be true: its conditions contradict each other');
      else if (reach !== 'reached') {
        const by = reach.map((one) => `rules[${one.index}] ("${one.name}")`).join(' and ');
        const verb = reach.length === 1 ? 'decides' : 'decide';
        report(path, `is never reached: ${by} ${verb} first whenever this is true`);
      }
    });
  });
}

function attempt(report: Report, path: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    if (!(thrown instanceof SpecError)) throw thrown;
    report(path, thrown.message);
  }
}
