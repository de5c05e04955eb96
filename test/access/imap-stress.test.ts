/**
 * Many sessions on one mailbox at once: append, flag, move, expunge, search. Each keeps the picture that a client would
 * keep from the responses alone; every response must be legal for that picture, and in the end all pictures are one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
beforeAll(async () => {
  server = await imapServer({ limits: { connectionsPerNetwork: 0 } });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Mulberry32: the same doings at each run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** The mailbox as a client knows it: UIDs by number, undefined where it was told of no UID yet. */
class Picture {
  readonly uids: (number | undefined)[] = [];
  readonly flags = new Map<number, string>();

  /** `mayExpunge`: the command under way lets numbers change. */
  hear(response: string, mayExpunge: boolean): void {
    const [, count, what] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(response) ?? [];
    const number = Number(count);
    if (what === 'EXISTS') {
      expect(number, 'EXISTS never takes away').toBeGreaterThanOrEqual(this.uids.length);
      while (this.uids.length < number) this.uids.push(undefined);
    } else if (what === 'EXPUNGE') {
      expect(mayExpunge, `${response} came where numbers must not change`).toBe(true);
      expect(number, 'only what is there can go').toBeLessThanOrEqual(this.uids.length);
      this.uids.splice(number - 1, 1);
    } else if (what === 'FETCH') {
      expect(number).toBeLessThanOrEqual(this.uids.length);
      const uid = Number(/UID (\d+)/.exec(response)?.[1]);
      const known = this.uids[number - 1];
      expect(known === undefined || known === uid, `number ${number} is UID ${known}, not ${uid}`).toBe(true);
      this.uids[number - 1] = uid;
      const flags = /FLAGS \(([^)]*)\)/.exec(response)?.[1];
      if (flags !== undefined) this.flags.set(uid, flags.replace(/\\Recent ?/, '').trim());
    }
  }
}

async function act(talk: ImapTalk, picture: Picture, random: (below: number) => number): Promise<void> {
  const { length } = picture.uids;
  const any = 1 + random(Math.max(length, 1));
  const command = [
    () => 'NOOP',
    () => `FETCH ${any} (UID FLAGS)`,
    () => `UID FETCH 1:* (FLAGS)`,
    () => `STORE ${any} +FLAGS (${['\\Seen', '\\Flagged', '\\Deleted', 'k1', 'k2'][random(5)]})`,
    () => `STORE ${any} -FLAGS (${['\\Seen', '\\Flagged', 'k1'][random(3)]})`,
    () => 'EXPUNGE',
    () => `COPY ${any} INBOX`,
    () => `MOVE ${any} Archive`,
    () => 'SEARCH NOT DELETED',
    () => `UID SEARCH ${any}:* UNSEEN`,
    () => {
      const message = letter(`m${random(1000)}`);
      return `APPEND INBOX {${message.length}+}\r\n${message}`;
    },
  ][random(11)] as () => string;
  const said = command();
  if (length === 0 && said.includes(' 1')) return;
  const mayExpunge = !/^(FETCH|STORE|SEARCH|COPY)/.test(said);
  const responses = await talk.say(said);
  const answer = responses.pop() ?? '';
  for (const response of responses) picture.hear(response, mayExpunge);
  expect(answer, said).toMatch(/^(OK|NO \[EXPUNGEISSUED\])/);
}

test('every view stays legal, and all agree in the end', async () => {
  const first = await server.as('ada');
  for (let index = 0; index < 20; index++) await first.append('INBOX', letter(`start ${index}`));
  const sessions = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const talk = await server.as('ada');
      const picture = new Picture();
      for (const response of await talk.ok('SELECT INBOX')) picture.hear(response, false);
      return { talk, picture, random: randomFrom(index + 1) };
    }),
  );
  await Promise.all(
    sessions.map(async ({ talk, picture, random }) => {
      for (let step = 0; step < 60; step++) await act(talk, picture, random);
    }),
  );
  const ends = [];
  for (const { talk, picture } of sessions) {
    for (const response of await talk.ok('NOOP')) picture.hear(response, true);
    for (const response of await talk.ok('UID FETCH 1:* (FLAGS)')) picture.hear(response, true);
    ends.push(picture.uids.map((uid) => [uid, picture.flags.get(uid ?? 0)]));
  }
  for (const end of ends) expect(end).toEqual(ends[0]);
  const [status = ''] = await first.ok('STATUS INBOX (MESSAGES)');
  expect(status).toBe(`* STATUS "INBOX" (MESSAGES ${ends[0]?.length})`);
}, 120_000);
