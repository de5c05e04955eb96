/**
 * demo/samples - a dozen messages to mixed recipients, and where each copy belongs.
 */

/** Where a recipient's copy must arrive: a site and the address there; or what is said instead. */
export type Expected =
  | { readonly at: string; readonly as: string }
  | { readonly refused: number }
  | { readonly held: true };

export interface Sample {
  readonly what: string;
  readonly from: string;
  readonly to: Readonly<Record<string, readonly Expected[]>>;
  readonly header?: string;
  readonly body?: string;
}

const outside = 'walter@elsewhere.example';
const routing = 'hv.mail.onmicrosoft.example';
const onprem = (as: string): Expected => ({ at: 'onprem', as });
const cloud = (name: string): Expected => ({ at: 'cloud', as: `${name}@${routing}` });
const local = (as: string): Expected => ({ at: 'local', as });
const internet = (as: string): Expected => ({ at: 'internet', as });
const team: readonly Expected[] = [
  onprem('ada@example.org'),
  cloud('bob'),
  internet('grace@partner.example'),
];

export const samples: readonly Sample[] = [
  { what: 'someone at home', from: outside, to: { 'ada@example.org': [onprem('ada@example.org')] } },
  { what: 'someone in the cloud', from: outside, to: { 'bob@example.org': [cloud('bob')] } },
  {
    what: 'both in one message, split by next hop',
    from: outside,
    to: { 'ada@example.org': [onprem('ada@example.org')], 'carol@example.org': [cloud('carol')] },
  },
  {
    what: 'an alias, and a plus-address',
    from: outside,
    to: {
      'countess@example.org': [onprem('ada@example.org')],
      'bob+lists@example.org': [cloud('bob+lists')],
    },
  },
  {
    what: 'shared mailbox (journaled), room and plotter',
    from: 'ada@example.org',
    to: {
      'info@example.org': [onprem('info@example.org'), onprem('journal@archive.example')],
      'atlas@example.org': [cloud('atlas')],
      'print@example.org': [onprem('print@example.org')],
    },
  },
  {
    what: 'a contact, whose mailbox is elsewhere',
    from: 'ada@example.org',
    to: { 'grace@example.org': [internet('grace@partner.example')] },
  },
  { what: 'a group', from: outside, to: { 'team@example.org': team } },
  {
    what: 'groups that hold each other: everybody once',
    from: 'bob@example.org',
    to: { 'all@example.org': [...team, cloud('carol')] },
  },
  {
    what: 'someone who is being moved: both sites',
    from: outside,
    to: { 'eve@example.org': [onprem('eve@example.org'), cloud('eve')] },
  },
  {
    what: 'someone whose mailbox is hosted here',
    from: outside,
    to: { 'hana@example.org': [local('hana@example.org')], 'ada@example.org': [onprem('ada@example.org')] },
  },
  {
    what: 'outbound to the Internet',
    from: 'ada@example.org',
    to: { 'walter@elsewhere.example': [internet('walter@elsewhere.example')] },
  },
  {
    what: 'nobody, someone disabled, and an address claimed twice',
    from: outside,
    to: {
      'nobody@example.org': [{ refused: 550 }],
      'dave@example.org': [onprem('dave@example.org')],
      'sales@example.org': [{ refused: 451 }],
    },
  },
  {
    what: 'a sender that a rule refuses',
    from: 'luck@casino.example',
    to: { 'ada@example.org': [{ refused: 550 }] },
  },
  {
    what: 'held for the legal department by a rule',
    from: outside,
    header: 'X-Legal: matter 7',
    to: { 'carol@example.org': [{ held: true }] },
  },
  {
    what: 'a moderated group waits for its moderator',
    from: outside,
    to: { 'board@example.org': [{ held: true }] },
  },
  {
    what: '8-bit, dots at line starts, a megabyte',
    from: outside,
    body: `${'..Grüße vom Fährhaus, ä ö ü\r\n.\r\n'.repeat(30_000)}`,
    to: { 'bob@example.org': [cloud('bob')], 'ada@example.org': [onprem('ada@example.org')] },
  },
];

export const messageId = (index: number): string => `<sample-${index + 1}@demo.example>`;

/** The message as it is sent: CRLF lines. */
export function messageOf(sample: Sample, index: number, now: Date): Buffer {
  const fields = [
    `From: <${sample.from}>`,
    `To: ${Object.keys(sample.to).join(', ')}`,
    `Subject: ${sample.what}`.replace(/[^\x20-\x7e]/g, '?'),
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId(index)}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    ...(sample.header === undefined ? [] : [sample.header]),
  ];
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${sample.body ?? 'A real message, if a short one.\r\n'}`);
}
