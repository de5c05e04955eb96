/**
 * route/expectations - an organisation's own tests of its rules: `isthmus route test FILE`.
 *
 * YAML, a list of
 *   - to: ada@example.org
 *     from: bob@partner.example           # absent: a stranger; <>: a report
 *     client: { ip: 192.0.2.1, site: cloud, listener: mx, account: bob, tls: true, mayRelay: false, certificateNames: [] }
 *     size: 1000                          # octets
 *     headers: ['X-Spam-Flag: YES']       # absent: a message without such fields; rcpt: true asks as at RCPT
 *     expect: { site: cloud, recipient: ada@tenant.example, because: home is cloud }
 * where expect has one of site, mx, refused, deferred (a code, or its beginning: 550, "550 5.1.1"), group, held; and,
 * if wished, recipient, also (sites or mx of additional copies) and because (a part of the reasons).
 *
 * CSV has a line of column names (to, from, ip, site, listener, account, tls, size, headers, rcpt, expect, recipient,
 * because), and `expect` in short: site:cloud, mx:example.org, 550, "451 4.1.4", group, held.
 */
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { printReply } from '../mail/reply.ts';
import { copiesOf, type Decision, nextHopKey } from '../mail/route.ts';
import type { Routing } from '../ports/routing.ts';
import { type ByHand, questionByHand } from './by-hand.ts';
import type { Compiled } from './compile.ts';
import { parseCsv } from './csv.ts';
import { SpecError } from './pattern.ts';

export interface Expectation {
  /** From 1. */
  readonly line: number;
  readonly question: ByHand;
  readonly expect: Expected;
}

export interface Expected {
  /** `site:cloud`, `mx:example.org`, `refused 550`, `deferred 4`, `group`, `held`. */
  readonly outcome: string;
  readonly recipient?: string;
  readonly also?: readonly string[];
  readonly because?: string;
}

export interface ExpectationResult {
  readonly line: number;
  readonly to: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly got: string;
  readonly because: readonly string[];
}

/** Throws SpecError, with the line, where the file is not understood. */
export function parseExpectations(text: string, format: 'yaml' | 'csv'): readonly Expectation[] {
  return format === 'csv' ? fromCsv(text) : fromYaml(text);
}

/** Asks all of them, in one round trip to the directory. */
export async function testExpectations(
  expectations: readonly Expectation[],
  routing: Routing,
  compiled: Compiled,
  signal: AbortSignal,
): Promise<readonly ExpectationResult[]> {
  const questions = expectations.map(({ line, question }) =>
    atLine(line, () => questionByHand(question, compiled)),
  );
  const decisions = await routing.routeAll(questions, signal);
  return expectations.map(({ line, question, expect }, index) => {
    const decision = decisions[index];
    if (decision === undefined) throw new Error('routeAll: one question has one decision');
    const trouble = mismatch(expect, decision);
    return {
      line,
      to: question.to,
      ok: trouble === undefined,
      expected: trouble?.expected ?? expect.outcome,
      got: trouble?.got ?? outcomeOf(decision),
      because: decision.because,
    };
  });
}

export function printResults(results: readonly ExpectationResult[]): string {
  const lines = results
    .filter(({ ok }) => !ok)
    .flatMap(({ line, to, expected, got, because }) => [
      `line ${line}: ${to}: expected ${expected}, got ${got}`,
      ...because.map((reason) => `    ${reason}`),
    ]);
  const failed = results.filter(({ ok }) => !ok).length;
  return [...lines, `${results.length - failed} of ${results.length} expectations are met`].join('\n');
}

export const exitCode = (results: readonly ExpectationResult[]): 0 | 1 =>
  results.every(({ ok }) => ok) ? 0 : 1;

function outcomeOf(decision: Decision): string {
  switch (decision.verdict) {
    case 'deliver': {
      const main = decision.copies.find(({ purpose }) => purpose === 'delivery');
      return main === undefined ? 'nothing to deliver' : nextHopKey(main.nextHop);
    }
    case 'refuse':
      return `refused ${printReply(decision.reply)}`;
    case 'defer':
      return `deferred ${printReply(decision.reply)}`;
    case 'expand':
      return 'group';
    case 'hold':
      return 'held';
  }
}

/** The first thing that is not as expected. */
function mismatch(expect: Expected, decision: Decision) {
  const outcome = outcomeOf(decision);
  const prefix = expect.outcome.startsWith('refused ') || expect.outcome.startsWith('deferred ');
  if (prefix ? !outcome.startsWith(expect.outcome) : outcome !== expect.outcome) {
    return { expected: expect.outcome, got: outcome };
  }
  const copies = copiesOf(decision);
  const recipient = copies.find(({ purpose }) => purpose === 'delivery')?.recipient.text;
  if (expect.recipient !== undefined && recipient?.toLowerCase() !== expect.recipient.toLowerCase()) {
    return { expected: `recipient ${expect.recipient}`, got: recipient ?? 'no recipient' };
  }
  const also = copies
    .filter(({ purpose }) => purpose !== 'delivery')
    .map(({ nextHop }) => nextHopKey(nextHop));
  if (expect.also !== undefined && expect.also.toSorted().join() !== also.toSorted().join()) {
    return { expected: `also ${expect.also.join(', ')}`, got: also.join(', ') || 'no other copy' };
  }
  const { because } = expect;
  if (because !== undefined && !decision.because.some((reason) => reason.includes(because))) {
    return { expected: `a reason with "${because}"`, got: decision.because.join('; ') };
  }
  return undefined;
}

function atLine<T>(line: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof SpecError) throw new SpecError(`line ${line}: ${error.message}`);
    throw error;
  }
}

function fromYaml(text: string): readonly Expectation[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 100 } as object);
  const [broken] = document.errors;
  if (broken !== undefined) throw new SpecError(`line ${broken.linePos?.[0].line ?? 1}: ${broken.message}`);
  const list = isMap(document.contents) ? document.contents.get('expectations') : document.contents;
  if (!isSeq(list)) throw new SpecError('line 1: expected a list of expectations');
  return list.items.map((item) => {
    const offset = isMap(item) ? (item.range?.[0] ?? 0) : 0;
    const { line } = lines.linePos(offset);
    return atLine(line, () => expectationOf(line, isMap(item) ? item.toJS(document) : undefined));
  });
}

type Words = Readonly<Record<string, unknown>>;

function expectationOf(line: number, value: unknown): Expectation {
  const words = mapOf(value, 'an expectation', ['to', 'from', 'client', 'size', 'headers', 'rcpt', 'expect']);
  const clientKeys = ['ip', 'site', 'listener', 'account', 'tls', 'mayRelay', 'certificateNames', 'protocol'];
  const client = mapOf(words.client ?? {}, 'client', clientKeys);
  const to = textOf(words, 'to');
  if (to === undefined) throw new SpecError('expected "to"');
  const headers = words.rcpt === true ? undefined : listOf(words, 'headers');
  const question = compact({
    to,
    from: textOf(words, 'from'),
    clientIp: textOf(client, 'ip'),
    site: textOf(client, 'site'),
    listener: textOf(client, 'listener'),
    account: textOf(client, 'account'),
    protocol: textOf(client, 'protocol'),
    tls: client.tls === true,
    mayRelay: client.mayRelay === true,
    certificateNames: listOf(client, 'certificateNames'),
    size: typeof words.size === 'number' ? words.size : undefined,
    headers,
  });
  return { line, question: question as unknown as ByHand, expect: expectedOf(words.expect) };
}

function expectedOf(value: unknown): Expected {
  if (typeof value === 'string' || typeof value === 'number') return { outcome: inShort(String(value)) };
  const allowed = ['site', 'mx', 'refused', 'deferred', 'group', 'held', 'recipient', 'also', 'because'];
  const words = mapOf(value, 'expect', allowed);
  const outcomes = [
    words.site === undefined ? undefined : `site:${words.site}`,
    words.mx === undefined ? undefined : `mx:${words.mx}`,
    words.refused === undefined ? undefined : `refused ${words.refused}`,
    words.deferred === undefined ? undefined : `deferred ${words.deferred}`,
    words.group === true ? 'group' : undefined,
    words.held === true ? 'held' : undefined,
  ].filter((one) => one !== undefined);
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) {
    throw new SpecError('expected one of site, mx, refused, deferred, group, held in "expect"');
  }
  const also = words.also === undefined ? undefined : listOf(words, 'also').map(inShort);
  return compact({
    outcome,
    recipient: textOf(words, 'recipient'),
    because: textOf(words, 'because'),
    also,
  }) as unknown as Expected;
}

/** `550` is a refusal, `451 4.1.4` a deferral, `cloud` a site. */
function inShort(text: string): string {
  const word = text.trim();
  if (/^5\d*( |$)/.test(word)) return `refused ${word}`;
  if (/^4\d*( |$)/.test(word)) return `deferred ${word}`;
  if (word === 'group' || word === 'held' || /^(site|mx):/.test(word)) return word;
  return `site:${word}`;
}

function fromCsv(text: string): readonly Expectation[] {
  return parseCsv(text).map(({ line, fields }) =>
    atLine(line, () => {
      const { to, from, expect, recipient, because, size, headers, rcpt, tls, ...client } = fields;
      if (!expect) throw new SpecError('expected something in the column "expect"');
      const words = {
        to,
        from,
        client: { ...client, tls: tls === 'true' || tls === 'yes' },
        size: size ? Number(size) : undefined,
        headers,
        rcpt: rcpt === 'true' || rcpt === 'yes',
      };
      const made = expectationOf(line, { ...compact(words), expect });
      return { ...made, expect: { ...made.expect, ...compact({ recipient, because }) } };
    }),
  );
}

function mapOf(value: unknown, what: string, keys: readonly string[]): Words {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SpecError(`expected a map of keys for ${what}`);
  }
  const odd = Object.keys(value).find((key) => !keys.includes(key));
  if (odd !== undefined) throw new SpecError(`unknown key "${odd}" in ${what}; there are ${keys.join(', ')}`);
  return value as Words;
}

function textOf(words: Words, key: string): string | undefined {
  const value = words[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new SpecError(`expected text for "${key}"`);
}

function listOf(words: Words, key: string): readonly string[] {
  const value = words[key] ?? [];
  const list = Array.isArray(value) ? value : [value];
  if (list.every((one): one is string => typeof one === 'string')) return list;
  throw new SpecError(`expected text, or a list of it, for "${key}"`);
}

/** Without what is absent or empty. `from` may be empty: that is the null reverse-path. */
function compact(words: Words): Words {
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined && value !== ''));
}
