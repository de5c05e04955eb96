/**
 * conformance/fidelity - what goes out is what came in, plus trace fields on top.
 *
 * Every message goes through the system in the middle to two recipients: one behind our capture, where every octet is
 * compared, and one behind a real Postfix, compared as it delivered. Where Postfix delivers something else than it
 * should, the same message is handed to it directly: a change that it makes by itself is no change of ours.
 */
import type { Sample } from '../fixture/messages.ts';
import type { System } from '../fixture/system.ts';
import type { Capture } from '../peers/capture.ts';
import { SmtpClient } from '../peers/client.ts';
import { until } from '../peers/command.ts';
import type { Delivered, Postfix } from '../peers/postfix.ts';

export interface Judged {
  readonly name: string;
  readonly outcome:
    | 'same'
    /** The real peer changes this message also when it gets it directly. */
    | 'same, peer changes it'
    /** Refused at the border, as RFC 5321 permits or demands for this content. */
    | 'refused'
    /** Refused though nothing is wrong with it. */
    | 'wrongly refused'
    /** Something passed that must not. */
    | 'wrongly passed'
    | 'differs'
    | 'lost';
  readonly detail?: string;
}

export const isGood = ({ outcome }: Judged): boolean =>
  outcome === 'same' || outcome === 'same, peer changes it' || outcome === 'refused';

export interface Course {
  readonly system: System;
  /** Takes `@capture.test`. */
  readonly capture: Capture;
  /** Takes `@postfix.test`. */
  readonly postfix: Postfix;
  readonly progress?: (text: string) => void;
}

/** RFC 5321 §2.3.8, §4.5.3.1.6, RFC 5322 §2.3: what a border may refuse; a bare CR or LF it must not let pass. */
const mayRefuse = (sample: Sample): boolean =>
  sample.bare || sample.longestLine > 998 || sample.content.includes(0);

const sessions = 10;

/** Sends all of them and judges each. `label` keeps the recipients of several runs over one course apart. */
export async function proveFidelity(
  samples: readonly Sample[],
  course: Course,
  label: string,
): Promise<readonly Judged[]> {
  const answers = await sendAll(course.system.port, samples, (index) => [
    `${label}${index}@capture.test`,
    `${label}${index}@postfix.test`,
  ]);
  const taken = samples.flatMap((_, index) => (answers[index]?.startsWith('2') ? [index] : []));
  await arrival(course, label, taken.length);
  const captured = new Map(
    course.capture.taken.flatMap((mail) => {
      const index = indexOf(label, mail.rcpt[0] ?? '');
      return index === undefined ? [] : [[index, mail] as const];
    }),
  );
  const delivered = byIndex(label, await course.postfix.delivered());
  const first = samples.map((sample, index): Judged => {
    const answer = answers[index] ?? 'no answer';
    if (!answer.startsWith('2')) return judgeRefusal(sample, answer);
    if (sample.bare && captured.get(index)?.bare !== false) {
      return { name: sample.name, outcome: 'wrongly passed', detail: 'a bare CR or LF went out' };
    }
    if (sample.bare) return { name: sample.name, outcome: 'same', detail: 'line ends mended' };
    const atCapture = compare(sample, captured.get(index)?.content, 'capture');
    if (atCapture.outcome !== 'same') return atCapture;
    return compare(sample, delivered.get(index)?.content, 'Postfix');
  });
  return withControl(samples, first, delivered, course, label);
}

function judgeRefusal(sample: Sample, answer: string): Judged {
  const outcome = mayRefuse(sample) && answer.startsWith('5') ? 'refused' : 'wrongly refused';
  return { name: sample.name, outcome, detail: answer };
}

/** Each message in a transaction of its own; the answer to each, in order. */
export async function sendAll(
  port: number,
  samples: readonly Sample[],
  to: (index: number) => readonly string[],
): Promise<readonly string[]> {
  const answers: string[] = [];
  let next = 0;
  const session = async () => {
    let client = await SmtpClient.open(port);
    for (let index = next++; index < samples.length; index = next++) {
      const sample = samples[index];
      if (sample === undefined) break;
      const parameters = sample.eightBit ? { mailParameters: 'BODY=8BITMIME' } : {};
      try {
        const mail = { from: 'sender@source.test', to: to(index), content: sample.content, ...parameters };
        const sent = await client.send(mail);
        const refused = sent.recipients.find(({ code }) => code >= 300);
        answers[index] = (refused ?? sent.answer).text;
        if (sent.answer.code < 400) continue;
        // Who sent a bare line end is hung up on: the next message needs a session of its own.
        client.close();
        client = await SmtpClient.open(port);
      } catch (error) {
        answers[index] = (error as Error).message;
        client = await SmtpClient.open(port);
      }
    }
    await client.quit();
  };
  await Promise.all(Array.from({ length: Math.min(sessions, samples.length) }, session));
  return answers;
}

/** Waits for as many at both ends, as long as something still moves. */
async function arrival(course: Course, label: string, wanted: number): Promise<void> {
  let seen = -1;
  let moved = Date.now();
  const arrived = async () => {
    const atCapture = course.capture.taken.filter(({ rcpt }) => indexOf(label, rcpt[0] ?? '') !== undefined);
    const atPostfix = byIndex(label, await course.postfix.delivered()).size;
    if (atCapture.length + atPostfix !== seen) {
      seen = atCapture.length + atPostfix;
      moved = Date.now();
      course.progress?.(`${label}: ${atCapture.length} and ${atPostfix} of ${wanted} arrived\n`);
    }
    return (atCapture.length >= wanted && atPostfix >= wanted) || Date.now() - moved > 30_000;
  };
  await until('the messages to arrive', arrived, 600_000, 500);
}

function indexOf(label: string, recipient: string): number | undefined {
  const local = recipient.replace(/^</, '').split('@')[0] ?? '';
  return local.startsWith(label) && /^\d+$/.test(local.slice(label.length))
    ? Number(local.slice(label.length))
    : undefined;
}

function byIndex(label: string, delivered: readonly Delivered[]): Map<number, Delivered> {
  const found = new Map<number, Delivered>();
  for (const mail of delivered) {
    const index = indexOf(label, mail.recipient);
    if (index !== undefined) found.set(index, mail);
  }
  return found;
}

/** The only fields that may appear on top. */
const trace = /^(?:(?:Received|Authentication-Results):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+/i;

const endedByCrlf = (content: Buffer): Buffer =>
  content.length === 0 || content.subarray(-2).toString() === '\r\n'
    ? content
    : Buffer.concat([content, Buffer.from('\r\n')]);

/** Whether `came` is trace fields and then `sample`, octet for octet. */
export function compare(sample: Sample, came: Buffer | undefined, where: string): Judged {
  const { name } = sample;
  if (came === undefined) return { name, outcome: 'lost', detail: `never came to ${where}` };
  const wanted = endedByCrlf(sample.content);
  const top = came.subarray(0, Math.max(0, came.length - wanted.length)).toString('latin1');
  const below = came.subarray(came.length - wanted.length);
  if (below.equals(wanted) && (trace.exec(top)?.[0] ?? '') === top) return { name, outcome: 'same' };
  return { name, outcome: 'differs', detail: `at ${where}: ${difference(wanted, came)}` };
}

/** Where two messages part, from the end: the top is different in any case. */
function difference(wanted: Buffer, came: Buffer): string {
  let back = 0;
  while (back < wanted.length && wanted.at(-1 - back) === came.at(-1 - back)) back += 1;
  const show = (octets: Buffer) =>
    JSON.stringify(
      octets.subarray(Math.max(0, octets.length - back - 30), octets.length - back + 5).toString('latin1'),
    );
  return `${back} octets from the end, ${show(wanted)} became ${show(came)}`;
}

/** What differs at Postfix only is handed to it directly; when that differs in the same way, it is its own change. */
async function withControl(
  samples: readonly Sample[],
  first: readonly Judged[],
  delivered: ReadonlyMap<number, Delivered>,
  course: Course,
  label: string,
): Promise<readonly Judged[]> {
  const doubtful = first.flatMap(({ outcome, detail }, index) =>
    outcome === 'differs' && detail?.startsWith('at Postfix') === true ? [index] : [],
  );
  if (doubtful.length === 0) return first;
  const control = `${label}control`;
  const again = doubtful.flatMap((index) => samples[index] ?? []);
  await sendAll(course.postfix.port, again, (at) => [`${control}${doubtful[at]}@postfix.test`]);
  await until(
    'Postfix to deliver what it got directly',
    async () => byIndex(control, await course.postfix.delivered()).size >= doubtful.length,
  );
  const direct = byIndex(control, await course.postfix.delivered());
  // The message's own Received fields on top go with ours here; that they are whole was seen at the capture.
  const below = (mail: Delivered | undefined) => mail?.content.toString('latin1').replace(trace, '');
  return first.map((judged, index) =>
    direct.has(index) && below(delivered.get(index)) === below(direct.get(index))
      ? { name: judged.name, outcome: 'same, peer changes it', detail: judged.detail ?? '' }
      : judged,
  );
}
