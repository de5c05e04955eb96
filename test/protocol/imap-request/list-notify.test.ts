/**
 * LIST with all its options, and NOTIFY.
 */
import { expect, test } from 'vitest';
import { command, refused } from './said.ts';

const plain = {
  name: 'LIST',
  reference: '',
  patterns: ['%'],
  extended: false,
  select: new Set(),
  returns: { plain: new Set() },
};

test('LIST and LSUB have a reference and a pattern', () => {
  expect(command('LIST "" %')).toEqual(plain);
  expect(command('LIST "" "%"')).toEqual(plain);
  expect(command('LIST ~/Mail/ Sent*[]')).toEqual({ ...plain, reference: '~/Mail/', patterns: ['Sent*[]'] });
  expect(command('LIST "" ""')).toEqual({ ...plain, patterns: [''] });
  expect(command('LSUB "#news." "comp.mail.*"')).toEqual({
    name: 'LSUB',
    reference: '#news.',
    patterns: ['comp.mail.*'],
  });
});

test('patterns are names too, and what is none is taken as it stands', () => {
  expect(command('LIST "" Entw&APw-rf%')).toMatchObject({ patterns: ['Entwürf%'] });
  expect(command('LIST "" "Tom & %"')).toMatchObject({ patterns: ['Tom & %'] });
  expect(command('LIST "" "\xc3\xbc*"', { utf8: true })).toMatchObject({ patterns: ['ü*'] });
});

test('LIST with options (RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590)', () => {
  expect(command('LIST (SUBSCRIBED recursivematch REMOTE) "" ("INBOX" "Drafts" Sent/%)')).toEqual({
    ...plain,
    patterns: ['INBOX', 'Drafts', 'Sent/%'],
    extended: true,
    select: new Set(['SUBSCRIBED', 'RECURSIVEMATCH', 'REMOTE']),
  });
  expect(
    command(
      'LIST "" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE MYRIGHTS CHILDREN METADATA ("/shared/vendor/x" /private/y))',
    ),
  ).toEqual({
    ...plain,
    extended: true,
    returns: {
      plain: new Set(['SPECIAL-USE', 'MYRIGHTS', 'CHILDREN']),
      status: ['MESSAGES', 'UNSEEN'],
      metadata: ['/shared/vendor/x', '/private/y'],
    },
  });
  expect(command('LIST () "" % RETURN ()')).toEqual({ ...plain, extended: true });
  expect(command('LIST (SPECIAL-USE) "" *')).toMatchObject({ select: new Set(['SPECIAL-USE']) });
});

test.each([
  '"" % FROB',
  '"" % RETURN',
  '"" % RETURN (FROB)',
  '"" % RETURN (STATUS)',
  '"" ()',
  '(FROB) "" %',
  '(RECURSIVEMATCH) "" %',
  '(REMOTE RECURSIVEMATCH) "" %',
  '""',
  '% ""',
])('LIST %s is not IMAP', (text) => {
  expect(refused(`LIST ${text}`)).toMatch(/^BAD /);
});

const event = (name: string, items: unknown[] = []) => ({ event: name, known: true, items });

test('NOTIFY watches mailboxes for events (RFC 5465 §3.1)', () => {
  expect(
    command(
      'notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge))' +
        ' (subtree Lists (messagenew messageexpunge flagchange)) (mailboxes (a inbox) NONE) (personal MailboxName)',
    ),
  ).toEqual({
    name: 'NOTIFY',
    watch: {
      status: true,
      groups: [
        {
          filter: { which: 'selected' },
          events: [
            event('MessageNew', [
              { item: 'UID' },
              {
                item: 'BODY[]',
                section: { part: [], of: { fields: ['from', 'to', 'subject'], not: false } },
                peek: true,
              },
            ]),
            event('MessageExpunge'),
          ],
        },
        {
          filter: { which: 'subtree', names: ['Lists'] },
          events: [event('MessageNew'), event('MessageExpunge'), event('FlagChange')],
        },
        { filter: { which: 'mailboxes', names: ['a', 'INBOX'] }, events: [] },
        { filter: { which: 'personal' }, events: [event('MailboxName')] },
      ],
    },
  });
  expect(command('NOTIFY NONE')).toEqual({ name: 'NOTIFY', watch: undefined });
});

test('the parentheses around events may be left out, as in the examples of the RFC', () => {
  expect(command('NOTIFY SET (selected MessageNew (uid) MessageExpunge)')).toMatchObject({
    watch: {
      status: false,
      groups: [{ events: [event('MessageNew', [{ item: 'UID' }]), event('MessageExpunge')] }],
    },
  });
});

test('an event we do not know is told from those we do', () => {
  expect(command('NOTIFY SET (inboxes (MessageSung))')).toMatchObject({
    watch: { groups: [{ events: [{ event: 'MessageSung', known: false, items: [] }] }] },
  });
});

test.each([
  '',
  'FROB',
  'SET',
  'SET STATUS',
  'SET (selected)',
  'SET (selected ())',
  'SET (frob NONE)',
  'SET (subtree-one x NONE)',
  'SET (selected (MailboxName))',
  'SET (inboxes (MessageNew (UID) MessageExpunge))',
  'SET (selected NONE) (selected-delayed NONE)',
  'SET (selected NONE',
])('NOTIFY %s is not IMAP', (text) => {
  expect(refused(`NOTIFY ${text}`)).toMatch(/^BAD /);
});
