/**
 * admin/cli/route - `isthmus route …`: where mail would go, and why; by the same decision the server makes.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Command } from 'commander';
import { type ByHand, questionByHand } from '../../route/by-hand.ts';
import { exitCode, parseExpectations, printResults, testExpectations } from '../../route/expectations.ts';
import { explain, printExplanation } from '../../route/explain.ts';
import { type OpenServices, type Services, type Terminal, withServices } from '../services.ts';
import { printable } from '../table.ts';
import { parseCount, UsageError } from '../usage.ts';

interface ExplainOptions {
  readonly from?: string;
  readonly clientIp?: string;
  readonly listener?: string;
  readonly tls?: boolean;
  readonly certificate?: string[];
  readonly auth?: string;
  readonly site?: string;
  readonly relay?: boolean;
  readonly size?: string;
  readonly header?: string[];
  readonly json?: boolean;
}

/** Larger files of expectations are a mistake. */
const fileLimit = 16 * 1024 * 1024;

export function routeCommand(open: OpenServices, terminal: Terminal): Command {
  const route = new Command('route').description('where mail would go, and why');
  const run = (command: Command, work: (services: Services) => Promise<void>) =>
    withServices(open, command.optsWithGlobals<{ config?: string }>().config, work);

  route
    .command('explain <address>')
    .description('the decision for one recipient, with its reasons')
    .option('--from <address>', 'sender; <> for a report')
    .option('--client-ip <ip>', 'where the client is')
    .option('--listener <name>', 'where it came in')
    .option('--tls', 'over TLS')
    .option('--certificate <name...>', 'names in its verified certificate')
    .option('--auth <account>', 'logged in as')
    .option('--site <name>', 'as if it came from this site')
    .option('--relay', 'as a client that may relay')
    .option('--size <octets>', 'size of the message')
    .option('--header <field...>', '"Name: value"; without any, the question is asked as at RCPT')
    .option('--json', 'print JSON')
    .action((address: string, options: ExplainOptions, command: Command) =>
      run(command, (services) => explainAddress(services, address, options, terminal)),
    );

  route
    .command('test <file>')
    .description('a table of expectations (YAML or CSV) against the rules in force')
    .option('--json', 'print JSON')
    .action((file: string, options: { json?: boolean }, command: Command) =>
      run(command, (services) => testFile(services, file, options.json ?? false, terminal)),
    );
  return route;
}

export function wordsFrom(address: string, options: ExplainOptions): ByHand {
  return {
    to: address,
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.clientIp === undefined ? {} : { clientIp: options.clientIp }),
    ...(options.listener === undefined ? {} : { listener: options.listener }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.certificate === undefined ? {} : { certificateNames: options.certificate }),
    ...(options.auth === undefined ? {} : { account: options.auth }),
    ...(options.site === undefined ? {} : { site: options.site }),
    ...(options.relay === undefined ? {} : { mayRelay: options.relay }),
    ...(options.size === undefined ? {} : { size: parseCount(options.size, '--size') }),
    ...(options.header === undefined ? {} : { headers: options.header }),
  };
}

async function explainAddress(
  services: Services,
  address: string,
  options: ExplainOptions,
  terminal: Terminal,
): Promise<void> {
  const question = questionByHand(wordsFrom(address, options), services.compiled);
  const explanation = await explain(services, question, terminal.signal);
  if (options.json) terminal.out(JSON.stringify(explanation));
  else for (const line of printExplanation(explanation).split('\n')) terminal.out(printable(line));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function testFile(services: Services, file: string, json: boolean, terminal: Terminal): Promise<void> {
  const text = readText(file);
  if (text.length > fileLimit) throw new UsageError(`${file}: larger than ${fileLimit} characters`);
  const expectations = parseExpectations(text, extname(file).toLowerCase() === '.csv' ? 'csv' : 'yaml');
  const results = await testExpectations(expectations, services.routing, services.compiled, terminal.signal);
  if (json) terminal.out(JSON.stringify(results));
  else for (const line of printResults(results).split('\n')) terminal.out(printable(line));
  terminal.exit(exitCode(results));
}
