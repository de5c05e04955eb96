/**
 * conformance/run - `npm run conformance -- DIR`: other people's suites and corpora against the running gateway.
 *
 * DIR holds suites/ and corpus/. `--middle postfix` puts Postfix in our place: how a run looks that is not all good,
 * and what of it is the peers' doing. Ends with a plain line of counts; exit code 0 only when nothing failed.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { gatewayInTheMiddle } from '../fixture/gateway.ts';
import type { Sample } from '../fixture/messages.ts';
import { type Destination, postfixInTheMiddle } from '../fixture/system.ts';
import { startCapture } from '../peers/capture.ts';
import { startPostfix } from '../peers/postfix.ts';
import { type Compared, proveStructures, readAnswers } from './bodystructure.ts';
import { type Course, isGood, type Judged, proveFidelity } from './fidelity.ts';
import { proveSmuggling } from './smuggling.ts';
import { checkFolder, later, readCorpora, readMessageSuites, readVectors } from './suites.ts';

interface Count {
  passed: number;
  failed: number;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Details of failures that are printed for one suite. */
const shown = 20;

function report(
  name: string,
  results: readonly { name: string; good: boolean; detail: string }[],
  total: Count,
): void {
  const failed = results.filter(({ good }) => !good);
  total.passed += results.length - failed.length;
  total.failed += failed.length;
  say(`${name}: ${results.length - failed.length} good, ${failed.length} not`);
  for (const { name: what, detail } of failed.slice(0, shown)) say(`  FAILED ${what}: ${detail}`);
  if (failed.length > shown) say(`  and ${failed.length - shown} more`);
}

function reportMessages(name: string, judged: readonly Judged[], total: Count): void {
  report(
    name,
    judged.map((one) => ({
      name: one.name,
      good: isGood(one),
      detail: `${one.outcome}: ${one.detail ?? ''}`,
    })),
    total,
  );
  const outcomes = Object.groupBy(judged, ({ outcome }) => outcome);
  for (const [outcome, all] of Object.entries(outcomes)) say(`  ${outcome}: ${all?.length ?? 0}`);
  for (const one of outcomes.refused ?? []) say(`    refused ${one.name}: ${one.detail}`);
}

function reportStructures(compared: readonly Compared[], total: Count): void {
  report(
    'suites/bodystructure',
    compared.map(({ name, outcome, detail }) => ({ name, good: outcome !== 'differs', detail })),
    total,
  );
  const of = Object.groupBy(compared, ({ outcome }) => outcome);
  const [same, inCase, explained] = [of.same?.length ?? 0, of.case?.length ?? 0, of.explained?.length ?? 0];
  say(`  ${same} same, ${inCase} same but for the case of words, ${explained} differ as explained:`);
  for (const [why, all] of Object.entries(Object.groupBy(of.explained ?? [], ({ detail }) => detail))) {
    say(`    ${all?.length ?? 0}: ${why}`);
  }
}

async function prove(folder: string, course: Course, total: Count): Promise<void> {
  const vectors = readVectors(folder);
  if (vectors === undefined) say('suites/smtp-smuggling: not in this folder');
  else report('suites/smtp-smuggling', await proveSmuggling(vectors, course.system, course.capture), total);
  const byName = new Map<string, Sample>();
  let suite = 0;
  for (const { name, samples } of readMessageSuites(folder)) {
    suite += 1;
    for (const sample of samples) byName.set(`${basename(name)}/${sample.name}`, sample);
    reportMessages(name, await proveFidelity(samples, course, `suite${suite}-`), total);
  }
  for await (const { name, samples } of readCorpora(folder)) {
    suite += 1;
    for (const sample of samples) byName.set(sample.name, sample);
    reportMessages(name, await proveFidelity(samples, course, `suite${suite}-`), total);
  }
  const answers = readAnswers(folder);
  if (answers === undefined) say('suites/bodystructure: not in this folder');
  else reportStructures(proveStructures(answers, byName), total);
  for (const [name, why] of Object.entries(later)) say(`not yet: ${name} (${why})`);
}

async function run(folder: string, middle: string): Promise<Count> {
  checkFolder(folder);
  const total: Count = { passed: 0, failed: 0 };
  const capture = await startCapture();
  const postfix = await startPostfix({ hostname: 'end.test', domains: ['postfix.test'] });
  const destinations: readonly Destination[] = [
    { site: 'capture', domains: ['capture.test'], port: capture.port },
    { site: 'postfix', domains: ['postfix.test'], port: postfix.port },
  ];
  const start = middle === 'postfix' ? postfixInTheMiddle : gatewayInTheMiddle;
  const system = await start(destinations);
  try {
    const progress = (text: string) => process.stderr.write(text);
    await prove(folder, { system, capture, postfix, progress }, total);
    if (total.failed > 0) process.stderr.write(`${await system.log()}\n`);
  } finally {
    await system.remove();
    await postfix.remove();
    await capture.close();
  }
  return total;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { middle: { type: 'string', default: 'isthmus' } },
});
const [folder] = positionals;
if (folder === undefined) {
  process.stderr.write(
    'usage: npm run conformance -- DIR [--middle postfix]\nDIR holds suites/ and corpus/.\n',
  );
  process.exit(2);
}
try {
  const { passed, failed } = await run(folder, values.middle);
  say(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
} catch (error) {
  process.stderr.write(`conformance: ${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
