/**
 * protocol/imap/request/mailboxes - commands about one mailbox by its name: SELECT, EXAMINE, CREATE, DELETE, RENAME,
 * SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 9051 §6.3).
 */
import type { UidRange } from '../../../mail/uid-set.ts';
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { mailboxName, plainRanges } from './words.ts';

export type MailboxCommand =
  | {
      readonly name: 'SELECT' | 'EXAMINE';
      readonly mailbox: string;
      readonly condstore: boolean;
      readonly qresync?: Qresync;
    }
  /** `use`: special uses with their backslash (RFC 6154 §3). */
  | { readonly name: 'CREATE'; readonly mailbox: string; readonly use: readonly string[] }
  | { readonly name: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE'; readonly mailbox: string }
  | { readonly name: 'RENAME'; readonly from: string; readonly to: string }
  | { readonly name: 'STATUS'; readonly mailbox: string; readonly items: readonly StatusWish[] };

/** What the client knew when it was last here (RFC 7162 §3.2.5). */
export interface Qresync {
  readonly validity: number;
  readonly modSeq: number;
  readonly uids?: readonly UidRange[];
  /** Sequence numbers and the UIDs they had, in ascending order; as many of one as of the other. */
  readonly match?: { readonly numbers: readonly UidRange[]; readonly uids: readonly UidRange[] };
}

const statusItems = [
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'HIGHESTMODSEQ',
  'DELETED-STORAGE',
  'APPENDLIMIT',
  'MAILBOXID',
] as const;
export type StatusWish = (typeof statusItems)[number];

export function select(lexer: Lexer, name: 'SELECT' | 'EXAMINE'): MailboxCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  const parameters =
    !lexer.atEnd() && lexer.skip(' ') ? lexer.list(() => selectParameter(lexer), { empty: false }) : [];
  const qresync = parameters.find((parameter) => parameter !== 'CONDSTORE');
  return {
    name,
    mailbox,
    condstore: parameters.includes('CONDSTORE'),
    ...(qresync === undefined ? {} : { qresync }),
  };
}

function selectParameter(lexer: Lexer): 'CONDSTORE' | Qresync {
  const name = lexer.word('a parameter of SELECT');
  if (name === 'CONDSTORE') return name;
  if (name !== 'QRESYNC') throw new RequestFault(`SELECT does not know ${name}`);
  lexer.space();
  lexer.expect('(');
  const validity = lexer.number('a UIDVALIDITY', 1);
  lexer.space();
  const modSeq = lexer.number64('a mod-sequence', 1);
  let uids: readonly UidRange[] | undefined;
  let match: Qresync['match'];
  if (lexer.peek() === ' ' && lexer.text[lexer.at + 1] !== '(') {
    lexer.space();
    uids = plainRanges(lexer);
  }
  if (lexer.skip(' ')) match = sequenceMatch(lexer);
  lexer.expect(')');
  return {
    validity,
    modSeq,
    ...(uids === undefined ? {} : { uids }),
    ...(match === undefined ? {} : { match }),
  };
}

function sequenceMatch(lexer: Lexer): NonNullable<Qresync['match']> {
  lexer.expect('(');
  const numbers = plainRanges(lexer);
  lexer.space();
  const uids = plainRanges(lexer);
  lexer.expect(')');
  const areAscending = [numbers, uids].every((ranges) =>
    ranges.every(({ first }, index) => index === 0 || first > (ranges[index - 1]?.last ?? 0)),
  );
  if (!areAscending || count(numbers) !== count(uids))
    throw new RequestFault('QRESYNC: sequence numbers and UIDs do not belong together');
  return { numbers, uids };
}

const count = (ranges: readonly UidRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

export function create(lexer: Lexer): MailboxCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  let use: readonly string[] = [];
  if (!lexer.atEnd() && lexer.skip(' ')) {
    lexer.expect('(');
    const name = lexer.word('a parameter of CREATE');
    if (name !== 'USE') throw new RequestFault(`CREATE does not know ${name}`);
    lexer.space();
    use = lexer.list(() => (lexer.skip('\\') ? `\\${lexer.atom('a special use')}` : lexer.fault("'\\'")), {
      empty: true,
    });
    lexer.expect(')');
  }
  return { name: 'CREATE', mailbox, use };
}

export function named(lexer: Lexer, name: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE'): MailboxCommand {
  lexer.space();
  return { name, mailbox: mailboxName(lexer) };
}

export function rename(lexer: Lexer): MailboxCommand {
  lexer.space();
  const from = mailboxName(lexer);
  lexer.space();
  return { name: 'RENAME', from, to: mailboxName(lexer) };
}

export function status(lexer: Lexer): MailboxCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  lexer.space();
  return { name: 'STATUS', mailbox, items: statusWishes(lexer) };
}

/** In parentheses; also in RETURN of LIST (RFC 5819 §2). */
export const statusWishes = (lexer: Lexer): readonly StatusWish[] =>
  lexer.list(
    () => {
      const name = lexer.word('an item of STATUS');
      const item = statusItems.find((known) => known === name);
      if (item === undefined) throw new RequestFault(`STATUS does not know ${name}`);
      return item;
    },
    { empty: false },
  );
