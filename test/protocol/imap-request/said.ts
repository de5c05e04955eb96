/**
 * imap-request/said - what a client sends, given to the reader, and what comes out of it.
 */
import { expect } from 'vitest';
import { type Command, parseCommand } from '../../../src/protocol/imap/request/command.ts';
import { defaultLimits, type RequestLimits } from '../../../src/protocol/imap/request/limits.ts';
import { type RequestEvent, RequestReader } from '../../../src/protocol/imap/request/reader.ts';

export interface Wish {
  readonly utf8?: boolean;
  readonly limits?: Partial<RequestLimits>;
}

export const dialect = ({ utf8 = false, limits = {} }: Wish = {}) => ({
  utf8,
  limits: { ...defaultLimits, ...limits },
});

/** One command, without its line end; characters are octets. */
export function command(text: string, wish: Wish = {}): Command {
  const outcome = parseCommand(`t ${text}`, dialect(wish));
  expect(outcome).toMatchObject({ kind: 'command', tag: 't' });
  return outcome.kind === 'command' ? outcome.command : { name: 'NOOP' };
}

/** How one command is refused: `BAD text` or `NO [CODE] text`. */
export function refused(text: string, wish: Wish = {}): string {
  const outcome = parseCommand(`t ${text}`, dialect(wish));
  expect(outcome).toMatchObject({ kind: 'refused', tag: 't' });
  if (outcome.kind !== 'refused') return '';
  const code = outcome.code === undefined ? '' : `[${outcome.code.code}] `;
  return `${outcome.verdict} ${code}${outcome.text}`;
}

export const reader = (wish: Wish = {}): RequestReader => new RequestReader(dialect(wish));

/** All events there are; octets that follow each other are one. */
export function events(from: RequestReader): readonly unknown[] {
  const all: unknown[] = [];
  let octets: string | undefined;
  const flush = (): void => {
    if (octets !== undefined) all.push(octets);
    octets = undefined;
  };
  for (let event = from.next(); event !== undefined; event = from.next()) {
    if (event.kind === 'octets') octets = (octets ?? '') + event.octets.toString('latin1');
    else {
      flush();
      all.push(short(event));
    }
  }
  flush();
  return all;
}

/** What comes of `text`, pushed at once. */
export function read(text: string, wish: Wish = {}): readonly unknown[] {
  const one = reader(wish);
  one.push(Buffer.from(text, 'latin1'));
  return events(one);
}

/** Words for the events that say little. */
function short(event: RequestEvent): unknown {
  if (event.kind === 'go-on' || event.kind === 'message-end' || event.kind === 'append-end')
    return event.kind;
  if (event.kind === 'command') return { tag: event.tag, ...event.command };
  return event;
}
