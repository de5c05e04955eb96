/**
 * conformance/bodystructure - RFC822.SIZE, ENVELOPE and BODYSTRUCTURE of real and of broken messages, as another server
 * answers them: compared as trees, octet for octet.
 *
 * A difference is a question, not a verdict. Every one is answered in `explained`, with the places where it shows and
 * why ours is right or at least as right. A difference that is not there fails, and so does an answer without its
 * difference.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printBodyStructure, printEnvelope } from '../../src/protocol/imap/print-structure.ts';
import { StructureScanner } from '../../src/protocol/mime/structure.ts';
import { readNotation, type Tree } from '../fixture/imap-notation.ts';
import type { Sample } from '../fixture/messages.ts';

interface Answer {
  readonly name: string;
  readonly sha256_crlf: string;
  /** The FETCH response's items, an octet string. */
  readonly fetch: string;
}

export interface Compared {
  readonly name: string;
  /** `case`: the same but for the case of words that have none. */
  readonly outcome: 'same' | 'case' | 'explained' | 'differs';
  /** Why, or what differs. */
  readonly detail: string;
}

const whiteSpace =
  'white space at the ends of a structured field belongs to no token (RFC 5322 §3.2.2): ours is without';
const brokenType =
  'a Content-Type without a subtype is no Content-Type: the default stands in (RFC 2045 §5.2), not an empty type';
const wholeBoundary =
  'the boundary must appear in its entirety (RFC 2046 §5.1.1); theirs takes a line of the text that begins like it for a delimiter';
const noDomain =
  'not an address by RFC 5322: the domain is said to be missing; theirs has a word of its own, SYNTAX_ERROR';

/** Messages with differences: where they are (fields of the answer, counted from 0), and the reason. */
const explained: Readonly<Record<string, { readonly where: readonly string[]; readonly because: string }>> = {
  'mime4j/mimetools-testmsgs/double-semicolon.msg': {
    where: ['body'],
    because:
      'an empty parameter (`;;`) is not in the grammar (RFC 2045 §5.1): ours passes over it and finds the boundary behind it, theirs drops all that follows',
  },
  'mime4j/mimetools-testmsgs/multi-digest.msg': { where: ['body.1.8.1'], because: brokenType },
  'python-email/msg_14.txt': { where: ['body'], because: brokenType },
  'mimekit/messages/missing-subtype.txt': { where: ['body'], because: brokenType },
  'mime4j/testmsgs/very-long-boundary.msg': { where: ['body'], because: wholeBoundary },
  'mime4j/testmsgs/very-very-long-boundary.msg': { where: ['body'], because: wholeBoundary },
  'mimekit/messages/rfc2060.txt': {
    where: ['body.2.6', 'body.2.9', 'body.3.1.6', 'body.3.1.9'],
    because:
      'the CRLF before a delimiter is the delimiter’s (RFC 2046 §5.1.1), also where it ends the closing line of the multipart within the part',
  },
  'mimekit/messages/feedback-report.txt': {
    where: ['body.2.7.5.0.0', 'body.2.7.5.0.2', 'body.2.7.5.0.3'],
    because: `${noDomain}, and loses the second word`,
  },
  'spam-1/00096.a791864be5f1205bf2cea0adf241b25a.txt': { where: ['envelope.5.0.3'], because: noDomain },
  'spam-1/00373.ebe8670ac56b04125c25100a36ab0510.txt': { where: ['envelope.5.0.3'], because: noDomain },
  'mimekit/messages/issue358.txt': {
    where: [2, 3, 4].flatMap((field) => [`envelope.${field}.0.0`, `envelope.${field}.0.3`]),
    because:
      'a name that looks like an address must be quoted (RFC 5322 §3.4): ours takes the address in brackets for the address, theirs the name',
  },
  'mime4j/testmsgs/basic-plain-with-bad-header-separator.msg': { where: ['envelope.0'], because: whiteSpace },
  'easy-ham-1/01636.07c82f37d072bce96820af0bbef80eff.txt': { where: ['envelope.8'], because: whiteSpace },
  'easy-ham-1/01685.26beacaa0fa03cb6199c57b8a99a2852.txt': { where: ['envelope.8'], because: whiteSpace },
  'easy-ham-1/01690.c20b0ff2930d9b36d7aa70e54939d12c.txt': { where: ['envelope.8'], because: whiteSpace },
  'easy-ham-1/01695.5914721a121b85cfdc0e39bf4b4e8970.txt': { where: ['envelope.8'], because: whiteSpace },
  'easy-ham-1/01745.46a467858b1369e9513a8a369a67a70b.txt': { where: ['envelope.8'], because: whiteSpace },
};

/**
 * Types, subtypes, encodings and charsets are the same in any case (RFC 2045 §5.1, §6.1, RFC 2046 §4.1.2). Theirs
 * writes some of them small, whatever the message has; ours writes what the message has.
 */
const caseless = new Set(['text', 'plain', 'us-ascii', '7bit', 'message', 'rfc822']);

/** The recorded answers, or undefined where the suite is not there. */
export function readAnswers(folder: string): readonly Answer[] | undefined {
  const file = join(folder, 'suites/bodystructure/oracle.jsonl');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Answer);
}

/** `samples`: the messages by the names the answers use. */
export function proveStructures(
  answers: readonly Answer[],
  samples: ReadonlyMap<string, Sample>,
): readonly Compared[] {
  return answers.map((answer) => {
    const sample = samples.get(answer.name);
    if (sample === undefined)
      return { name: answer.name, outcome: 'differs', detail: 'the message is not there' };
    if (createHash('sha256').update(sample.content).digest('hex') !== answer.sha256_crlf) {
      return {
        name: answer.name,
        outcome: 'differs',
        detail: 'the message is not the one that was asked about',
      };
    }
    return judge(answer.name, compare(ourAnswer(sample.content), answer.fetch), explained[answer.name]);
  });
}

/** What differs once the explanation is heard. */
export function judge(
  name: string,
  { differences, cases }: Differences,
  answer: { readonly where: readonly string[]; readonly because: string } | undefined,
): Compared {
  const shown = differences
    .map(({ path, ours, theirs }) => `${path}: ours ${ours}, theirs ${theirs}`)
    .join('; ');
  const open = differences.filter(({ path }) => answer?.where.includes(path) !== true);
  if (open.length > 0) return { name, outcome: 'differs', detail: shown };
  const idle = answer?.where.filter((place) => !differences.some(({ path }) => path === place)) ?? [];
  if (idle.length > 0) {
    return { name, outcome: 'differs', detail: `explained, but there is no difference at ${idle.join(' ')}` };
  }
  if (answer !== undefined) return { name, outcome: 'explained', detail: answer.because };
  return cases ? { name, outcome: 'case', detail: '' } : { name, outcome: 'same', detail: '' };
}

function ourAnswer(content: Buffer): string {
  const scanner = new StructureScanner();
  scanner.push(content);
  const { size, summary, root } = scanner.finish();
  return `RFC822.SIZE ${size} ENVELOPE ${printEnvelope(summary)} BODYSTRUCTURE ${printBodyStructure(root)}`;
}

interface Difference {
  readonly path: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface Differences {
  readonly differences: readonly Difference[];
  /** Some word differs in case only. */
  readonly cases: boolean;
}

const parts = ['', 'size', '', 'envelope', '', 'body'];

/** Two answers to `FETCH (RFC822.SIZE ENVELOPE BODYSTRUCTURE)`. */
export function compare(ours: string, theirs: string): Differences {
  const differences: Difference[] = [];
  let cases = false;
  const walk = (a: Tree | undefined, b: Tree | undefined, path: string): void => {
    if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
      for (const [index, one] of a.entries())
        walk(one, b[index], path === '' ? (parts[index] ?? '') : `${path}.${index}`);
      return;
    }
    if (JSON.stringify(a) === JSON.stringify(b)) return;
    const isCase =
      path.startsWith('body') &&
      typeof a === 'string' &&
      typeof b === 'string' &&
      a.toLowerCase() === b.toLowerCase() &&
      caseless.has(a.toLowerCase());
    if (isCase) cases = true;
    else differences.push({ path, ours: brief(a), theirs: brief(b) });
  };
  walk(readNotation(ours), readNotation(theirs), '');
  return { differences, cases };
}

const brief = (tree: Tree | undefined): string => {
  const text = JSON.stringify(tree) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};
