/**
 * imap-request/print - commands as a client would write them, each string in a form that a seed chooses.
 */
import type { SequenceSet, SessionSearchKey } from '../../../src/mail/search.ts';
import { encodeMailboxName } from '../../../src/protocol/imap/mailbox-name.ts';
import type { FetchCommand, FetchWish } from '../../../src/protocol/imap/request/fetch.ts';

/** Chooses among `count` ways. */
export type Choose = (count: number) => number;

/** The octets of `text` as atom, quoted string or literal, whichever may be and is chosen. */
export function astring(text: string, choose: Choose): string {
  const octets = Buffer.from(text, 'utf8').toString('latin1');
  const forms = [`{${octets.length}+}\r\n${octets}`];
  if (/^[^\r\n\0\x80-\xff]*$/.test(octets)) forms.push(`"${octets.replace(/["\\]/g, '\\$&')}"`);
  if (/^[a-z0-9.&,-]+$/i.test(octets)) forms.push(octets);
  return forms[choose(forms.length)] ?? '';
}

export const mailbox = (name: string, choose: Choose): string => astring(encodeMailboxName(name), choose);

export const set = (ranges: SequenceSet): string =>
  ranges === '$'
    ? '$'
    : ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',');

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function key(of: SessionSearchKey, choose: Choose): string {
  const mixed = (word: string): string => (choose(2) === 0 ? word : word.toLowerCase());
  switch (of.key) {
    case 'all':
      return mixed('ALL');
    case 'and':
      return `(${of.keys.map((one) => key(one, choose)).join(' ')})`;
    case 'or':
      return `${of.keys
        .slice(1)
        .map((_, index) => `${mixed('OR')} ${key(of.keys[index] ?? { key: 'all' }, choose)} `)
        .join('')}${key(of.keys.at(-1) ?? { key: 'all' }, choose)}`;
    case 'not':
      return `${mixed('NOT')} ${key(of.not, choose)}`;
    case 'flag':
      return mixed(`${of.set ? '' : 'UN'}${of.flag.slice(1).toUpperCase()}`);
    case 'keyword':
      return `${mixed(of.set ? 'KEYWORD' : 'UNKEYWORD')} ${of.keyword}`;
    case 'uids':
      return `UID ${set(of.ranges)}`;
    case 'sequence':
      return `${of.uid ? 'UID ' : ''}${set(of.set)}`;
    case 'recent':
      return mixed(of.set ? 'RECENT' : 'OLD');
    case 'size':
      return `${mixed(of.is.toUpperCase())} ${of.than}`;
    case 'within':
      return `${mixed(of.is.toUpperCase())} ${of.seconds}`;
    case 'date': {
      const { year, month, day } = of.day;
      const text = `${day}-${mixed(months[month - 1] ?? '')}-${String(year).padStart(4, '0')}`;
      const name = { internal: '', sent: 'SENT', saved: 'SAVED' }[of.of] + of.is.toUpperCase();
      return `${mixed(name)} ${choose(2) === 0 ? text : `"${text}"`}`;
    }
    case 'header': {
      const short = /^(Bcc|Cc|From|Subject|To)$/.test(of.field) && choose(2) === 0;
      const name = short ? mixed(of.field.toUpperCase()) : `HEADER ${astring(of.field, choose)}`;
      return `${name} ${astring(of.text, choose)}`;
    }
    case 'body':
    case 'text':
      return `${mixed(of.key.toUpperCase())} ${astring(of.text, choose)}`;
    case 'modSeq':
      return `MODSEQ ${choose(2) === 0 ? '' : '"/flags/\\\\Seen" all '}${of.least}`;
    case 'emailId':
    case 'threadId':
      return `${mixed(of.key.toUpperCase())} ${of.id}`;
    case 'saveDateSupported':
      return 'SAVEDATESUPPORTED';
  }
}

export function fetch(command: FetchCommand, choose: Choose): string {
  const modifiers = [
    ...(command.changedSince === undefined ? [] : [`CHANGEDSINCE ${command.changedSince}`]),
    ...(command.vanished ? ['VANISHED'] : []),
    ...(command.partial === undefined ? [] : [`PARTIAL ${command.partial.from}:${command.partial.to}`]),
  ];
  const items = `(${command.items.map((item) => wish(item, choose)).join(' ')})`;
  const end = modifiers.length > 0 ? ` (${modifiers.join(' ')})` : '';
  return `${command.uid ? 'UID ' : ''}FETCH ${set(command.set)} ${items}${end}`;
}

function wish(of: FetchWish, choose: Choose): string {
  switch (of.item) {
    case 'PREVIEW':
      return of.lazy ? 'PREVIEW (LAZY)' : 'PREVIEW';
    case 'BINARY.SIZE':
      return `BINARY.SIZE[${of.part.join('.')}]`;
    case 'BODY[]':
    case 'BINARY[]': {
      const { part, of: what } = of.section;
      const words: (string | number)[] = [...part];
      if (typeof what === 'string') words.push(what);
      else if (what !== undefined) {
        const names = what.fields.map((name) => astring(name, choose)).join(' ');
        words.push(`HEADER.FIELDS${what.not ? '.NOT' : ''} (${names})`);
      }
      const partial = of.partial === undefined ? '' : `<${of.partial.origin}.${of.partial.length}>`;
      return `${of.item.slice(0, -2)}${of.peek ? '.PEEK' : ''}[${words.join('.')}]${partial}`;
    }
    default:
      return of.item;
  }
}
