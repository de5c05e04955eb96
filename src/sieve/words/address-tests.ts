/**
 * sieve/words/address-tests - address and envelope (RFC 5228 §5.1, §5.4; RFC 5233; RFC 6009).
 */
import type { Call } from '../bind.ts';
import type { Definition, Tag } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { type BadAddress, type ListedAddress, parseAddressList, printListed } from '../message/addresses.ts';
import { hint } from '../nearest.ts';
import type { Run } from '../run.ts';
import { checkFieldNames, compileFields, indexTags, mimeTags } from './fields.ts';

const addressPartTags: readonly Tag[] = [
  { name: 'all', group: 'address part' },
  { name: 'localpart', group: 'address part' },
  { name: 'domain', group: 'address part' },
  { name: 'user', group: 'address part', needs: 'subaddress' },
  { name: 'detail', group: 'address part', needs: 'subaddress' },
];

/** Fields that hold addresses and nothing else. */
const addressFields = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'resent-from',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'resent-sender',
  'resent-reply-to',
  'return-path',
  'errors-to',
  'return-receipt-to',
  'disposition-notification-to',
  'delivered-to',
  'envelope-to',
  'envelope-from',
  'x-original-to',
  'x-envelope-to',
  'x-envelope-from',
  'x-forwarded-to',
  'x-forwarded-for',
  'mail-followup-to',
  'mail-reply-to',
  'followup-to',
  'list-post',
  'x-admin',
  'x-beenthere',
  'x-complaints-to',
  'x-loop',
  'x-sender',
  'x-from',
  'x-to',
  'x-cc',
  'x-bcc',
  'x-reply-to',
  'x-sieve-redirected-from',
  'original-recipient',
  'final-recipient',
  'apparently-to',
  'read-receipt-to',
  'registered-mail-reply-requested-by',
  'abuse-reports-to',
  'return-receipt-requested',
  'x-confirm-reading-to',
  'x-original-from',
  'x-report-abuse-to',
  'for-approval',
  'for-handling',
  'for-comment',
  'approved',
  'author',
  'x-mailing-list',
]);

/** Part of an address; undefined: this address has no such part, and nothing is matched. */
type PartReader = (run: Run, address: ListedAddress) => string | undefined;

function compilePart(call: Call): PartReader {
  switch (call.inGroup('address part')) {
    case 'localpart':
      return (_, address) => address.local;
    case 'domain':
      return (_, address) => address.domain;
    case 'user':
      return (run, { local }) => local.slice(0, separatorIn(run, local) ?? local.length);
    case 'detail':
      return (run, { local }) => {
        const found = separatorIn(run, local);
        return found === undefined ? undefined : local.slice(found + 1);
      };
    default:
      return (_, address) => printListed(address);
  }
}

/** The first place of any separator. */
function separatorIn(run: Run, local: string): number | undefined {
  const separators = run.environment.detailSeparator;
  const at = [...local].findIndex((character) => separators.includes(character));
  return at < 0 ? undefined : at;
}

const isWhole = (call: Call): boolean => (call.inGroup('address part') ?? 'all') === 'all';

const address: Definition = {
  kind: 'test',
  name: 'address',
  tags: [...addressPartTags, ...matchTags, ...indexTags, ...mimeTags],
  takes: [
    { name: 'header list', type: 'strings' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const names = call.texts('header list');
    for (const { constant, at } of names) {
      if (constant === undefined || addressFields.has(constant.toLowerCase())) continue;
      if (!/^[\x21-\x39\x3b-\x7e]+$/.test(constant)) continue;
      call.error(
        `header '${constant.slice(0, 60)}' is not allowed in the address test: it holds no addresses${hint(constant, addressFields)}`,
        at,
      );
      return undefined;
    }
    checkFieldNames(call, names);
    const match = compileMatch(call, call.texts('key list'));
    const fields = compileFields(call);
    if (!match || !fields) return undefined;
    const part = compilePart(call);
    const whole = isWhole(call);
    return {
      async test(run) {
        const found = await fields(
          run,
          names.map((name) => name.value(run)),
        );
        const values = found.flatMap((field) => {
          const list = parseAddressList(field.value);
          // An empty field is one empty address as a whole, and has no parts.
          if (list.length === 0) return whole ? [''] : [];
          return list.flatMap((one: ListedAddress | BadAddress) => {
            run.spend(1);
            // What is no address has no parts; as a whole it is compared as it stands.
            if ('bad' in one) return whole ? [one.bad] : [];
            return part(run, one) ?? [];
          });
        });
        return match(run, values);
      },
    };
  },
};

const envelopeParts = ['from', 'to', 'auth', 'orig_to'];
const dsnParts: Readonly<Record<string, 'notify' | 'orcpt' | 'ret' | 'envid'>> = {
  notify: 'notify',
  orcpt: 'orcpt',
  ret: 'ret',
  envid: 'envid',
};

const envelope: Definition = {
  kind: 'test',
  name: 'envelope',
  needs: ['envelope'],
  tags: [...addressPartTags, ...matchTags],
  takes: [
    { name: 'envelope part', type: 'strings' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const parts = call.texts('envelope part');
    const known = call.scope.has('envelope-dsn')
      ? [...envelopeParts, ...Object.keys(dsnParts)]
      : envelopeParts;
    for (const { constant, at } of parts) {
      if (constant === undefined || known.includes(constant.toLowerCase())) continue;
      return call.error(
        `unknown envelope part '${constant.slice(0, 60)}': it is one of ${known.join(', ')}${hint(constant, known)}`,
        at,
      );
    }
    const match = compileMatch(call, call.texts('key list'));
    if (!match) return undefined;
    const part = compilePart(call);
    const whole = isWhole(call);
    return {
      test: (run) =>
        match(
          run,
          parts.flatMap((name) => envelopeValues(run, name.value(run).toLowerCase(), part, whole)),
        ),
    };
  },
};

function envelopeValues(run: Run, name: string, part: PartReader, whole: boolean): readonly string[] {
  const { envelope } = run.environment;
  if (name === 'auth') return envelope.auth === undefined ? [] : [envelope.auth];
  const dsn = dsnParts[name];
  if (dsn !== undefined) return [envelope[dsn] ?? []].flat();
  const text = name === 'from' ? envelope.from : name === 'to' ? envelope.to : envelope.originalTo;
  if (text === undefined) return [];
  // RFC 5228 §5.4: the null reverse-path is the empty string, whatever part is asked for.
  if (text === '') return [''];
  const [one] = parseAddressList(text);
  if (one === undefined || 'bad' in one) return whole && /^[^\s@<>:,;]+$/.test(text) ? [text] : [];
  return [part(run, one) ?? []].flat();
}

export const addressTests: readonly Definition[] = [address, envelope];
