/**
 * protocol/sieve/print - commands as a script. parse(print(x)) is x but for the places.
 */
import type { ArgumentNode, CommandNode, TestNode } from './syntax.ts';

export const printScript = (commands: readonly CommandNode[]): string =>
  commands.map((command) => printCommand(command, '')).join('');

function printCommand(command: CommandNode, indent: string): string {
  const head = `${indent}${printTest(command)}`;
  if (command.block === undefined) return `${head};\r\n`;
  const inside = command.block.map((inner) => printCommand(inner, `${indent}  `)).join('');
  return `${head} {\r\n${inside}${indent}}\r\n`;
}

/** One test, or a command without its block, on one line. */
export function printTest(test: TestNode): string {
  const tests = test.tests.map(printTest).join(', ');
  const parts = [test.name, ...test.args.map(printArgument)];
  if (test.list) parts.push(`(${tests})`);
  else if (tests !== '') parts.push(tests);
  return parts.join(' ');
}

function printArgument(argument: ArgumentNode): string {
  switch (argument.kind) {
    case 'string':
      return quote(argument.value);
    case 'strings':
      return `[${argument.values.map(({ value }) => quote(value)).join(', ')}]`;
    case 'number':
      return argument.value.toString();
    case 'tag':
      return `:${argument.name}`;
  }
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
