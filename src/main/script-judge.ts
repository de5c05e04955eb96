/**
 * main/script-judge - says of a Sieve script what its author needs to know before it is kept.
 */
import type { OperatorScript } from '../local/options.ts';
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
  (
    scripts: Pick<Scripts, 'get'>,
    globalScript: (name: string) => Promise<string | undefined>,
    limits: Limits,
  ) =>
  async (content: string, name: string | undefined, account: Account): Promise<Judgement> => {
    const { problems } = await compile(content, {
      ...(name === undefined ? {} : { name }),
      limits,
      find: async (location, wanted) =>
        location === 'personal' ? scripts.get(account.id, wanted) : globalScript(wanted),
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

/** For `include :global`: the operator's script of this name, with or without `.sieve`. */
export const globalScriptIn =
  (scripts: () => readonly OperatorScript[]) =>
  async (name: string): Promise<string | undefined> =>
    scripts().find((one) => bare(one.name) === bare(name))?.content;

const bare = (name: string): string => name.replace(/\.sieve$/, '');
