/**
 * main/script-judge - says of a Sieve script what its author needs to know before it is kept.
 */
import type { Account } from '../mail/mailbox.ts';
import type { Scripts } from '../ports/scripts.ts';
import { compile } from '../sieve/compile.ts';
import type { Limits } from '../sieve/limits.ts';
import type { ScriptProblem } from '../sieve/scope.ts';

export interface Judgement {
  readonly errors: readonly { readonly line: number; readonly text: string }[];
  readonly warnings: readonly { readonly line: number; readonly text: string }[];
}

/** As for a delivery to `account`: what the script includes is looked for among its others. */
export const scriptJudge =
  (scripts: Pick<Scripts, 'get'>, limits: Limits) =>
  async (content: string, name: string | undefined, account: Account): Promise<Judgement> => {
    const { problems } = await compile(content, {
      ...(name === undefined ? {} : { name }),
      limits,
      find: async (location, wanted) =>
        location === 'personal' ? scripts.get(account.id, wanted) : undefined,
    });
    const of = (severity: ScriptProblem['severity']) =>
      problems
        .filter((one) => one.severity === severity)
        .map(({ script, line, text }) => ({
          line,
          text: script === (name ?? 'script') ? text : `${script}: ${text}`,
        }));
    return { errors: of('error'), warnings: of('warning') };
  };
