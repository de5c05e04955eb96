/**
 * conformance/smuggling - end-of-data look-alikes: none ends a message, and none leaves us (RFC 5321 §4.1.1.4, §2.3.8).
 *
 * Each vector stands between an honest message and the commands of a second one that must never be seen as commands.
 * Receiving: one reply to the data, no second message. Relaying: what goes on holds no bare CR or LF, and on the wire
 * nowhere the look-alike itself.
 */
import type { System } from '../fixture/system.ts';
import type { Capture, Captured } from '../peers/capture.ts';
import { type Answer, SmtpClient } from '../peers/client.ts';
import { until } from '../peers/command.ts';

export interface Vector {
  readonly id: string;
  readonly eod: string;
}

export interface Verdict {
  readonly name: string;
  readonly good: boolean;
  readonly detail: string;
}

interface Tried {
  /** Replies after the data, up to the one for our NOOP. */
  readonly replies: readonly Answer[];
  readonly how: 'DATA' | 'BDAT';
}

/** `@capture.test` must end at `capture`. */
export async function proveSmuggling(
  vectors: readonly Vector[],
  system: System,
  capture: Capture,
): Promise<readonly Verdict[]> {
  const chunking = (await offered(system.port)).includes('CHUNKING');
  const verdicts: Verdict[] = [];
  for (const how of chunking ? (['DATA', 'BDAT'] as const) : (['DATA'] as const)) {
    for (const [index, vector] of vectors.entries()) {
      verdicts.push(await tryVector(vector, `${how.toLowerCase()}${index}`, how, system, capture));
    }
  }
  verdicts.push(await earlyPipelining(system, capture));
  return verdicts;
}

async function offered(port: number): Promise<string> {
  const client = await SmtpClient.open(port);
  const answer = await client.say('EHLO client.test');
  await client.quit();
  return answer.text;
}

const envelope = (from: string, to: string): string => `MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\n`;

async function tryVector(
  vector: Vector,
  label: string,
  how: Tried['how'],
  system: System,
  capture: Capture,
): Promise<Verdict> {
  const smuggled = `${envelope('smuggler@source.test', `${label}-smuggled@capture.test`)}DATA\r\nSubject: smuggled\r\n\r\nin\r\n`;
  const content = Buffer.from(`Subject: ${label}\r\n\r\nhonest${vector.eod}${smuggled}`, 'latin1');
  const tried = await hand(system.port, label, content, how);
  const mine = () => capture.taken.filter(({ rcpt }) => rcpt.some((one) => one.includes(`<${label}`)));
  const accepted = tried.replies[0]?.code === 250;
  if (accepted) await until(`${vector.id} to be relayed`, () => mine().length > 0, 30_000).catch(() => {});
  await settle();
  return judge(vector, tried, mine(), `${how} ${vector.id}`);
}

/** Time for a smuggled message, if there was one, to come out too. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150));

async function hand(port: number, label: string, content: Buffer, how: Tried['how']): Promise<Tried> {
  const client = await SmtpClient.open(port, 20_000);
  const replies: Answer[] = [];
  try {
    client.write(envelope('honest@source.test', `${label}@capture.test`));
    await client.answer();
    await client.answer();
    if (how === 'DATA') {
      await client.say('DATA');
      client.write(Buffer.concat([content, Buffer.from('.\r\n')]));
    } else {
      client.write(Buffer.concat([Buffer.from(`BDAT ${content.length} LAST\r\n`), content]));
    }
    replies.push(await client.answer());
    client.write('NOOP isthmus-end\r\n');
    // A smuggled MAIL, RCPT, DATA would each be answered before our NOOP is; five replies are the most there could be.
    for (let more = 0; more < 5; more += 1) {
      const answer = await Promise.race([client.answer(), quiet()]);
      if (answer === undefined) break;
      replies.push(answer);
    }
  } catch {
    // The server closed the connection: what was answered until then is judged.
  } finally {
    client.close();
  }
  return { replies, how };
}

const quiet = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 150, undefined));

function judge(vector: Vector, tried: Tried, came: readonly Captured[], name: string): Verdict {
  const said = tried.replies.map(({ code }) => code).join(' ');
  const bad = (detail: string): Verdict => ({ name, good: false, detail: `${detail} (replies: ${said})` });
  if (tried.replies.length > 2) return bad('commands were read out of the message');
  if (came.some(({ rcpt }) => rcpt.join().includes('smuggled'))) return bad('a message was smuggled in');
  if (tried.replies[0]?.code !== 250) {
    return came.length === 0 ? { name, good: true, detail: `refused: ${said}` } : bad('refused, but relayed');
  }
  const [mail] = came;
  if (mail === undefined || came.length > 1) return bad(`accepted, and ${came.length} messages came out`);
  if (mail.bare) return bad('a bare CR or LF was relayed');
  // The look-alike's own last CRLF is also the end of an ordinary line: what makes it one is what stands before.
  if (mail.wire.includes(Buffer.from(vector.eod, 'latin1')))
    return bad('the look-alike was relayed as it was');
  return { name, good: true, detail: `accepted as one message: ${said}` };
}

/** The next transaction in the segment of the end of data: two messages or a refusal, never a mixture. */
async function earlyPipelining(system: System, capture: Capture): Promise<Verdict> {
  const name = 'early pipelining';
  const client = await SmtpClient.open(system.port, 20_000);
  const codes: number[] = [];
  try {
    client.write(envelope('honest@source.test', 'early1@capture.test'));
    await client.answer();
    await client.answer();
    await client.say('DATA');
    client.write(
      `Subject: one\r\n\r\nfirst\r\n.\r\n${envelope('honest@source.test', 'early2@capture.test')}DATA\r\nSubject: two\r\n\r\nsecond\r\n.\r\n`,
    );
    for (let more = 0; more < 5; more += 1) codes.push((await client.answer()).code);
  } catch {
    // Closed: judged by what came out.
  } finally {
    client.close();
  }
  const first = () => capture.taken.filter(({ rcpt }) => rcpt[0]?.includes('early1@'));
  const second = () => capture.taken.filter(({ rcpt }) => rcpt[0]?.includes('early2@'));
  await until(
    'both messages',
    () => first().length > 0 && (codes.length < 5 || second().length > 0),
    15_000,
  ).catch(() => {});
  const mixed = first().some(({ content }) => content.includes('two') || !content.includes('first'));
  const good = !mixed && first().length === (codes[0] === 250 ? 1 : 0) && second().length <= 1;
  return {
    name,
    good,
    detail: `replies ${codes.join(' ')}, ${first().length} and ${second().length} came out`,
  };
}
