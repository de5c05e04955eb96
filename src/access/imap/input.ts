/**
 * access/imap/input - what a client says, event by event, as it comes.
 */
import type { RequestLimits } from '../../protocol/imap/request/limits.ts';
import { type RequestEvent, RequestReader } from '../../protocol/imap/request/reader.ts';
import type { Connection } from '../connection.ts';

/** Octets: ID may have thirty fields of a kilobyte (RFC 2971 §3.3). */
const strangersCommand = 40_960;

export class Input {
  readonly #connection: Connection;
  readonly #reader: RequestReader;
  /** What is being waited for, kept while IDLE looks elsewhere. */
  #coming: Promise<RequestEvent | undefined> | undefined;

  readonly #limits: RequestLimits;

  /** A stranger is listened to less. */
  constructor(connection: Connection, limits: RequestLimits) {
    this.#connection = connection;
    this.#limits = limits;
    const command = Math.min(limits.command, strangersCommand);
    this.#reader = new RequestReader({ utf8: false, limits: { ...limits, command } });
  }

  set isSignedIn(yes: boolean) {
    const command = yes ? this.#limits.command : Math.min(this.#limits.command, strangersCommand);
    this.#reader.dialect = { ...this.#reader.dialect, limits: { ...this.#limits, command } };
  }

  /** Names and quoted strings are UTF-8 from the next command on. */
  set utf8(utf8: boolean) {
    this.#reader.dialect = { ...this.#reader.dialect, utf8 };
  }

  /** What the client says next; undefined when it will say no more. */
  event(): Promise<RequestEvent | undefined> {
    this.#coming ??= this.#read().finally(() => {
      this.#coming = undefined;
    });
    return this.#coming;
  }

  async #read(): Promise<RequestEvent | undefined> {
    for (;;) {
      const event = this.#reader.next();
      if (event !== undefined) return event;
      const octets = await this.#connection.read();
      if (octets === undefined) return undefined;
      this.#reader.push(octets);
    }
  }

  /** A line that is no command: an answer to a challenge, or DONE. */
  async line(): Promise<string | undefined> {
    this.#reader.expectLine();
    const event = await this.event();
    return event?.kind === 'line' ? event.line : undefined;
  }

  /** The command that is being read is passed over. */
  refuseRest(): void {
    this.#reader.refuse();
  }

  /** After STARTTLS and COMPRESS: what came before them is not to be obeyed. */
  forget(): void {
    this.#reader.takePending();
  }
}
