/**
 * svtest/carry-out - does what a script decided in the little world: stores in its mailboxes, sends into its list.
 */
import { notifyMessage } from '../../src/sieve/compose/notify.ts';
import type { Origin, Outgoing } from '../../src/sieve/compose/outgoing.ts';
import { redirectMark, wasRedirectedBy } from '../../src/sieve/compose/redirect.ts';
import { rejectReport } from '../../src/sieve/compose/reject.ts';
import { usualVacation, vacationReply } from '../../src/sieve/compose/vacation.ts';
import { parseHeader } from '../../src/sieve/message/header.ts';
import { contentType } from '../../src/sieve/message/mime.ts';
import type { Action, Fcc } from '../../src/sieve/outcome.ts';
import type { Run } from '../../src/sieve/run.ts';
import type { Suite } from './suite.ts';

/** false: something could not be done; the suite's errors say what. */
export async function carryOut(suite: Suite, run: Run): Promise<boolean> {
  suite.errors = [];
  const { actions } = run.result.finish(run);
  for (const action of actions) {
    if (suite.done.has(action)) continue;
    suite.done.add(action);
    carryOutOne(suite, action);
  }
  // What cannot be done ends in the implicit keep, of the message as it came.
  if (suite.errors.length > 0) store(suite, 'INBOX', true, suite.message);
  return suite.errors.length === 0;
}

function carryOutOne(suite: Suite, action: Action): void {
  switch (action.kind) {
    case 'keep':
      store(suite, 'INBOX', true, content(suite, action.header), action.flags);
      return;
    case 'fileinto':
      store(suite, action.mailbox, action.create, content(suite, action.header), action.flags);
      return;
    case 'redirect':
      redirect(suite, action.address, content(suite, action.header));
      return;
    case 'reject':
    case 'ereject': {
      const report = rejectReport(action, {
        header: header(suite),
        envelope: suite.envelope,
        origin: origin(suite),
      });
      if (report) send(suite, report);
      return;
    }
    case 'vacation':
      vacation(suite, action);
      return;
    case 'notify': {
      const notification = notifyMessage(action, {
        header: header(suite),
        envelope: suite.envelope,
        owner: suite.setting('sieve_user_email') || ownerOf(suite),
        ...notifySender(suite),
        origin: origin(suite),
      });
      if ('message' in notification) sendAndFile(suite, notification.message, action.fcc);
      return;
    }
    case 'discard':
  }
}

const ownerOf = (suite: Suite): string => suite.envelope.originalTo || suite.envelope.to;
const header = (suite: Suite) => parseHeader(suite.message).header;

const origin = (suite: Suite): Origin => ({
  now: new Date(),
  hostname: 'mail.example.com',
  unique: () => {
    suite.unique += 1;
    return `svtest-${suite.unique}`;
  },
});

function content(suite: Suite, edited: Uint8Array | undefined): Uint8Array {
  if (edited === undefined) return suite.message;
  return Buffer.concat([
    edited,
    Buffer.from('\r\n'),
    suite.message.subarray(parseHeader(suite.message).bodyAt),
  ]);
}

function store(
  suite: Suite,
  mailbox: string,
  create: boolean,
  content: Uint8Array,
  flags: readonly string[] = [],
): void {
  const fail = (why: string) => suite.errors.push(`failed to store into mailbox '${mailbox}': ${why}`);
  if (/\/\/|\/$|^\//.test(mailbox)) {
    fail('this is no name for a mailbox');
    return;
  }
  const name = mailbox.replace(/^inbox(?=[./]|$)/i, 'INBOX');
  if (!suite.mailboxes.has(name)) {
    if (!create && name !== 'INBOX') {
      fail("it doesn't exist");
      return;
    }
    suite.mailboxes.set(name, []);
  }
  suite.mailboxes.get(name)?.push({ content, flags: [...flags, ...storeMarks(content)] });
}

/** The other implementation's store, not its Sieve, marks messages by their attachments; test scripts look for that. */
const storeMarks = (content: Uint8Array): readonly string[] =>
  contentType(parseHeader(content).header, 'text/plain').value.startsWith('multipart/')
    ? []
    : ['$HasNoAttachment'];

function send(suite: Suite, outgoing: Outgoing): void {
  for (const to of outgoing.to) suite.sent.push({ from: outgoing.from, to, content: outgoing.content });
}

function sendAndFile(suite: Suite, outgoing: Outgoing, fcc: Fcc | undefined): void {
  send(suite, outgoing);
  if (fcc) store(suite, fcc.mailbox, fcc.create, outgoing.content, fcc.flags);
}

/** Settings that name an address: `sender`, `recipient`, `orig_recipient`, `user_email`, `<address>`. */
function chosenAddress(suite: Suite, setting: string | undefined): string | undefined {
  const email = suite.setting('sieve_user_email');
  switch (setting) {
    case undefined:
    case '':
      return undefined;
    case 'sender':
      return suite.envelope.from;
    case 'recipient':
      return suite.envelope.to;
    case 'orig_recipient':
      return ownerOf(suite);
    case 'user_email':
      return email || suite.envelope.to;
    case 'postmaster':
      return 'postmaster@example.com';
    default:
      return setting.replace(/^<|>$/g, '');
  }
}

function redirect(suite: Suite, address: string, message: Uint8Array): void {
  const { from, to } = suite.envelope;
  const own = [suite.setting('sieve_user_email') ?? '', to];
  if (own.some((one) => wasRedirectedBy(one, header(suite)))) return;
  const chosen =
    from === '' ? '' : (chosenAddress(suite, suite.setting('sieve_redirect_envelope_from')) ?? from);
  const mark = redirectMark(suite.setting('sieve_user_email') || to);
  suite.sent.push({ from: chosen, to: address, content: Buffer.concat([Buffer.from(mark), message]) });
}

function notifySender(suite: Suite): { sender?: string } {
  const sender = chosenAddress(suite, suite.setting('sieve_notify_mailto_envelope_from'));
  return sender === undefined ? {} : { sender };
}

function vacation(suite: Suite, action: Action & { kind: 'vacation' }): void {
  const yes = (name: string) => suite.setting(name) === 'yes';
  const email = suite.setting('sieve_user_email');
  const result = vacationReply(action, {
    header: header(suite),
    envelope: suite.envelope,
    ownAddresses: email ? [email] : [],
    origin: origin(suite),
    settings: {
      ...usualVacation,
      checkRecipient: suite.setting('sieve_vacation_check_recipient') !== 'no',
      useOriginalRecipient: yes('sieve_vacation_use_original_recipient'),
      sendFromRecipient: yes('sieve_vacation_send_from_recipient'),
      toFromHeader: yes('sieve_vacation_to_header_ignore_envelope'),
      subject: suite.setting('sieve_vacation_default_subject') || usualVacation.subject,
      subjectTemplate:
        suite.setting('sieve_vacation_default_subject_template')?.replace('%{subject}', '%$') ||
        usualVacation.subjectTemplate,
    },
  });
  if (!('reply' in result)) return;
  sendAndFile(suite, result.reply, action.fcc);
}
