/**
 * protocol/dsn/words - the part of a report that people read: what happened, to whom, who said so, and what to do.
 */
import { printReply } from '../../mail/reply.ts';
import { oneLine, printDate, statusOf } from './fields.ts';
import type { Report, ReportAction, ReportedRecipient } from './report.ts';

const subjects: Record<ReportAction, string> = {
  failed: 'Not delivered: your message did not reach everybody',
  delayed: 'Delayed: your message is still on its way',
  delivered: 'Delivered: your message has arrived',
  relayed: 'Passed on: your message has left our system',
  expanded: 'Passed on: your message was sent to the members of a group',
};

export const subjectOf = (recipients: readonly ReportedRecipient[]): string =>
  subjects[recipients[0]?.action ?? 'failed'];

const openings: Record<ReportAction, string> = {
  failed: 'Your message could not be delivered to the recipients below. It will not be tried again.',
  delayed:
    'Your message could not be delivered to the recipients below yet. We go on trying;\r\nyou need not send it again.',
  delivered: 'Your message was delivered to the recipients below.',
  relayed:
    'Your message was handed to the next mail system on the way to the recipients below.\r\n' +
    'That system does not send reports of success, so this is the last you hear if all goes well.',
  expanded:
    'Your message was sent on to the members of the groups below. You get no report of success\r\nfor each member.',
};

const endings: Record<'full' | 'header' | 'nothing', string> = {
  full: 'The technical details and your message follow.',
  header: 'The technical details and the header of your message follow.',
  nothing: 'The technical details follow.',
};

/** CRLF lines; may hold UTF-8. */
export function wordsFor(report: Report): string {
  const action = report.recipients[0]?.action ?? 'failed';
  const { returned } = report;
  const came = report.arrival === undefined ? '' : `It came to us on ${printDate(report.arrival)}.`;
  return [
    `This is the mail system at ${report.mta}.`,
    '',
    openings[action],
    came,
    '',
    ...report.recipients.flatMap(recipientWords),
    endings[returned === undefined ? 'nothing' : returned.full ? 'full' : 'header'],
    '',
  ]
    .flatMap((line) => line.split('\r\n').flatMap(wrap))
    .join('\r\n');
}

function recipientWords(one: ReportedRecipient): string[] {
  const said = printReply({ ...one.reply, lines: one.reply.lines.map(oneLine) }).slice(0, 2_000);
  const by = one.peer === undefined ? 'Our system says' : `${oneLine(one.peer.host)} [${one.peer.ip}] said`;
  const advice = one.action === 'failed' ? adviceFor(statusOf('failed', one.reply)) : undefined;
  return [
    `<${oneLine(one.recipient.text)}>`,
    ...(one.action === 'failed' || one.action === 'delayed' ? [`    ${by}: ${said}`] : []),
    ...(one.retryUntil === undefined ? [] : [`    We try until ${printDate(one.retryUntil)}.`]),
    ...(advice === undefined ? [] : [`    ${advice}`]),
    '',
  ];
}

/** By subject and detail of RFC 3463, the closest first. */
const advice: readonly (readonly [RegExp, string])[] = [
  [/^5\.1\.[06]|^5\.1\.[13]/, 'Please check the address, and send the message again to the right one.'],
  [/^5\.1\.(?:2|10)/, 'Please check the part of the address after the @: no mail is taken there.'],
  [/^5\.2\.1/, 'The mailbox is closed. Please reach the person another way.'],
  [/^5\.2\.2/, 'The mailbox is full. Please tell the person another way, and send the message again later.'],
  [
    /^5\.[23]\.[34]/,
    'The message is too big. Please send it in parts, or share the attachments another way.',
  ],
  [/^5\.4\.6/, 'The mail systems send this message in a circle. Please tell your administrators.'],
  [
    /^5\.4\.7/,
    'We have tried for as long as we may. Please send the message again later, or reach the person another way.',
  ],
  [/^5\.4\./, 'There is trouble on the way to that system. Please tell your administrators if it matters.'],
  [/^5\.6\./, 'That system cannot take this kind of message. Please send it in a simpler form.'],
  [
    /^5\.7\./,
    'That system does not permit it. Please ask the recipient or your administrators for permission.',
  ],
];

const adviceFor = (status: string): string =>
  advice.find(([pattern]) => pattern.test(status))?.[1] ??
  'Please ask your administrators what the answer above means.';

const width = 78;

/** Lines of readable width; the indent is kept. */
function wrap(line: string): string[] {
  if (line.length <= width) return [line];
  const indent = /^ */.exec(line)?.[0] ?? '';
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(/ +/)) {
    if (current.length > indent.length && current.length + 1 + word.length > width) {
      lines.push(current);
      current = indent;
    }
    current += current.length > indent.length ? ` ${word}` : word;
    while (current.length > 900) {
      lines.push(current.slice(0, 900));
      current = indent + current.slice(900);
    }
  }
  lines.push(current);
  return lines;
}
