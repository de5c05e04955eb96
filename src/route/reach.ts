/**
 * route/reach - rules that are never true, and rules that earlier ones leave nothing for.
 *
 * One earlier rule that covers a later is always looked for. Several that cover it only together are looked for as long
 * as the budget lasts, since that grows quickly; what is not proved by then is not said.
 */
import { type Formula, formulaOf, leaf, not } from './formula.ts';
import { apart, type Case, casesOf, restOf } from './logic.ts';
import { asList, type RuleSpec } from './spec.ts';

export interface Judged {
  readonly index: number;
  readonly name: string;
  /** When the rule does not match; undefined where those cases are too many to reason about. */
  readonly outside: readonly Case[] | undefined;
}

export type Reach = 'reached' | 'never true' | readonly Judged[];

/** Pairs of cases compared for all rules of one configuration, and cases kept at once. */
const budget = { pairs: 100_000, cases: 16 } as const;

/** A judge to be asked of each rule in order. Throws SpecError where a condition is not understood. */
export function makeJudge(): (rule: RuleSpec, index: number) => Reach {
  const earlier: Judged[] = [];
  const left = { pairs: budget.pairs as number };
  return (rule, index) => {
    const formula = reachOf(rule);
    const cases = casesOf(formula);
    if (cases?.length === 0) return 'never true';
    const takers = cases === undefined ? [] : takersOf(cases, earlier, left);
    if (decides(rule)) earlier.push({ index, name: rule.name, outside: casesOf(formula, false) });
    return takers.length === 0 ? 'reached' : takers;
  };
}

/** When a rule is asked at all: strangers only meet rules that ask for them. */
function reachOf(rule: RuleSpec): Formula {
  const formula = formulaOf(rule.when);
  if (rule.strangers === true) return formula;
  return { op: 'and', parts: [formula, not(leaf({ fact: 'stranger' }))] };
}

/** Whether no later rule is asked once this one matches. */
const decides = (rule: RuleSpec): boolean =>
  rule.stop === true ||
  asList(rule.then).some(
    ({ routeTo, reject, hold, redirect }) =>
      routeTo !== undefined || reject !== undefined || hold !== undefined || redirect !== undefined,
  );

/** The earlier rules that leave nothing of `cases`; none: it is not proved that nothing is left. */
function takersOf(
  cases: readonly Case[],
  earlier: readonly Judged[],
  left: { pairs: number },
): readonly Judged[] {
  const one = earlier.find(({ outside }) => outside !== undefined && apart(cases, outside));
  if (one !== undefined) return [one];
  const takers: Judged[] = [];
  let rest = cases;
  for (const judged of earlier) {
    const { outside } = judged;
    if (outside === undefined) continue;
    left.pairs -= rest.length * outside.length;
    if (left.pairs < 0) return [];
    const next = restOf(rest, outside, budget.cases);
    if (next === undefined || sameCases(next, rest)) continue;
    takers.push(judged);
    rest = next;
    if (rest.length === 0) return fewest(cases, takers);
  }
  return [];
}

const sameCases = (a: readonly Case[], b: readonly Case[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

/** Without those takers that the others can do without. */
function fewest(cases: readonly Case[], takers: readonly Judged[]): readonly Judged[] {
  return takers.reduce<readonly Judged[]>((kept, judged) => {
    const others = kept.filter((one) => one !== judged);
    let rest: readonly Case[] = cases;
    for (const { outside } of others) rest = restOf(rest, outside ?? [], budget.cases) ?? rest;
    return rest.length === 0 ? others : kept;
  }, takers);
}
