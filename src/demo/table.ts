/**
 * demo/table - who went where and why, for a terminal of 80 columns: a heading for each message, a line for each copy,
 * and the reasons below it.
 */
import type { Outcome } from './verdict.ts';

const narrowest = 60;
const indent = '    ';

export function printOutcomes(outcomes: readonly Outcome[], columns = 80): string {
  const width = Math.max(columns, narrowest);
  const recipients = Math.max(...outcomes.map(({ recipient }) => recipient.length), 'RECIPIENT'.length);
  const sites = Math.max(...outcomes.map(({ went }) => went.length), 'WENT TO'.length);
  const line = (mark: string, recipient: string, went: string, as: string) =>
    [mark.padEnd(2), recipient.padEnd(recipients), went.padEnd(sites), as].join('  ').trimEnd();
  const lines = [line('', 'RECIPIENT', 'WENT TO', 'ADDRESSED TO')];
  let before: number | undefined;
  for (const { message, what, ok, recipient, went, as, because } of outcomes) {
    if (message !== before) lines.push('', `${message}. ${what}`);
    before = message;
    lines.push(line(ok ? 'ok' : '!!', recipient, went, as));
    for (const reason of because)
      lines.push(...wrap(reason, width - indent.length).map((part) => indent + part));
  }
  return lines.join('\n');
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
