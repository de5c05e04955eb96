/**
 * protocol/imap/request/search-key - what SEARCH, SORT and THREAD look for (RFC 9051 §6.4.4).
 *
 * Keys of RFC 3501, WITHIN (RFC 5032), MODSEQ (RFC 7162 §3.1.5), OBJECTID (RFC 8474 §6), SAVEDATE (RFC 8514 §4.3).
 * A chain `OR a OR b c` is one key of three: clients look for hundreds of addresses in this way.
 */
import type { SessionSearchKey } from '../../../mail/search.ts';
import { type Decoder, utf8 } from './charset.ts';
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { date, numberRanges, sequenceSet } from './words.ts';

const plainKeys: Readonly<Record<string, SessionSearchKey>> = {
  ALL: { key: 'all' },
  ANSWERED: { key: 'flag', flag: '\\Answered', set: true },
  DELETED: { key: 'flag', flag: '\\Deleted', set: true },
  DRAFT: { key: 'flag', flag: '\\Draft', set: true },
  FLAGGED: { key: 'flag', flag: '\\Flagged', set: true },
  SEEN: { key: 'flag', flag: '\\Seen', set: true },
  UNANSWERED: { key: 'flag', flag: '\\Answered', set: false },
  UNDELETED: { key: 'flag', flag: '\\Deleted', set: false },
  UNDRAFT: { key: 'flag', flag: '\\Draft', set: false },
  UNFLAGGED: { key: 'flag', flag: '\\Flagged', set: false },
  UNSEEN: { key: 'flag', flag: '\\Seen', set: false },
  RECENT: { key: 'recent', set: true },
  OLD: { key: 'recent', set: false },
  NEW: {
    key: 'and',
    keys: [
      { key: 'recent', set: true },
      { key: 'flag', flag: '\\Seen', set: false },
    ],
  },
  SAVEDATESUPPORTED: { key: 'saveDateSupported' },
};

const fields: Readonly<Record<string, string>> = {
  BCC: 'Bcc',
  CC: 'Cc',
  FROM: 'From',
  SUBJECT: 'Subject',
  TO: 'To',
};

const dates = /^(SENT|SAVED|)(BEFORE|ON|SINCE)$/;

/** Reads a program: keys that all must hold. */
export class SearchKeys {
  readonly #lexer: Lexer;
  readonly #decode: Decoder;
  #count = 0;
  #depth = 0;

  constructor(lexer: Lexer, decode: Decoder = utf8(lexer)) {
    this.#lexer = lexer;
    this.#decode = decode;
  }

  /** To the end of the command. */
  program(): SessionSearchKey {
    const keys = [this.#key()];
    while (!this.#lexer.atEnd()) {
      this.#lexer.space();
      keys.push(this.#key());
    }
    return all(keys);
  }

  #key(): SessionSearchKey {
    const { limits } = this.#lexer.dialect;
    if (++this.#count > limits.searchKeys || this.#depth >= limits.depth)
      throw new RequestFault('the search is too complex', 'NO', { code: 'LIMIT' });
    this.#depth += 1;
    const key = this.#anyKey();
    this.#depth -= 1;
    return key;
  }

  #anyKey(): SessionSearchKey {
    const lexer = this.#lexer;
    const next = lexer.peek() ?? '';
    if (next === '(') return this.#inParentheses();
    if (/[\d*$]/.test(next)) return { key: 'sequence', uid: false, set: sequenceSet(lexer) };
    const word = lexer.word('a search key');
    const plain = Object.hasOwn(plainKeys, word) ? plainKeys[word] : undefined;
    if (plain !== undefined) return plain;
    lexer.space();
    if (word === 'NOT') return { key: 'not', not: this.#key() };
    if (word === 'OR') return this.#or();
    const field = Object.hasOwn(fields, word) ? fields[word] : undefined;
    if (field !== undefined) return { key: 'header', field, text: this.#text() };
    const [, of, is] = dates.exec(word) ?? [];
    return is === undefined ? this.#withValue(word) : dated(lexer, of ?? '', is);
  }

  #inParentheses(): SessionSearchKey {
    const lexer = this.#lexer;
    lexer.expect('(');
    const keys: SessionSearchKey[] = [];
    do keys.push(this.#key());
    while (lexer.skip(' '));
    lexer.expect(')');
    return all(keys);
  }

  #or(): SessionSearchKey {
    const lexer = this.#lexer;
    const keys: SessionSearchKey[] = [];
    do {
      keys.push(this.#key());
      lexer.space();
    } while (lexer.skipWord('OR') && this.#nextIsSpace());
    keys.push(this.#key());
    return { key: 'or', keys };
  }

  #nextIsSpace(): true {
    this.#lexer.space();
    return true;
  }

  #withValue(word: string): SessionSearchKey {
    const lexer = this.#lexer;
    switch (word) {
      case 'BODY':
      case 'TEXT':
        return { key: word === 'BODY' ? 'body' : 'text', text: this.#text() };
      case 'HEADER': {
        const field = lexer.astring('the name of a header field');
        lexer.space();
        return { key: 'header', field, text: this.#text() };
      }
      case 'KEYWORD':
      case 'UNKEYWORD':
        return { key: 'keyword', keyword: lexer.atom('a keyword'), set: word === 'KEYWORD' };
      case 'LARGER':
      case 'SMALLER':
        return { key: 'size', is: word === 'LARGER' ? 'larger' : 'smaller', than: lexer.number64('a size') };
      case 'OLDER':
      case 'YOUNGER':
        return {
          key: 'within',
          is: word === 'OLDER' ? 'older' : 'younger',
          seconds: lexer.number('a number of seconds', 1),
        };
      case 'UID':
        return uids(lexer);
      case 'MODSEQ':
        return modSeq(lexer);
      case 'EMAILID':
      case 'THREADID':
        return { key: word === 'EMAILID' ? 'emailId' : 'threadId', id: objectId(lexer) };
      default:
        throw new RequestFault(`SEARCH does not know ${word}`);
    }
  }

  #text(): string {
    return this.#decode(this.#lexer.astring('a text', true));
  }
}

const all = (keys: readonly SessionSearchKey[]): SessionSearchKey =>
  keys.length === 1 && keys[0] !== undefined ? keys[0] : { key: 'and', keys };

function dated(lexer: Lexer, of: string, is: string): SessionSearchKey {
  return {
    key: 'date',
    of: of === '' ? 'internal' : of === 'SENT' ? 'sent' : 'saved',
    is: is === 'BEFORE' ? 'before' : is === 'ON' ? 'on' : 'since',
    day: date(lexer),
  };
}

/** UIDs that mean the same in every session are told from those that do not. */
function uids(lexer: Lexer): SessionSearchKey {
  if (lexer.skip('$')) return { key: 'sequence', uid: true, set: '$' };
  const set = numberRanges(lexer);
  const ranges = set.flatMap(({ first, last }) => (first === '*' || last === '*' ? [] : [{ first, last }]));
  return ranges.length === set.length ? { key: 'uids', ranges } : { key: 'sequence', uid: true, set };
}

/** The name and the type of an entry may stand before; one mod-sequence is kept for all (RFC 7162 §3.1.5). */
function modSeq(lexer: Lexer): SessionSearchKey {
  if (lexer.peek() === '"') {
    if (!/^\/flags\/./i.test(lexer.string('the name of an entry'))) lexer.fault('"/flags/" and a flag');
    lexer.space();
    if (!['PRIV', 'SHARED', 'ALL'].includes(lexer.word('priv, shared or all')))
      lexer.fault('priv, shared or all');
    lexer.space();
  }
  return { key: 'modSeq', least: lexer.number64('a mod-sequence') };
}

function objectId(lexer: Lexer): string {
  const id = lexer.astring('an object id');
  return /^[A-Za-z0-9_-]{1,255}$/.test(id) ? id : lexer.fault('an object id');
}
