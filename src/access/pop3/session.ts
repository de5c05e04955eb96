/**
 * access/pop3/session - one POP3 client (RFC 1939): its commands read, judged by state and carried out, one by one.
 *
 *   authorization --USER, PASS or AUTH--> transaction --QUIT--> update, and the end
 *        '--QUIT--> the end                    '--anything else that ends it: nothing is changed
 *
 * Pipelined commands wait their turn (RFC 2449 §6.6). A session that was silent for too long ends without a word
 * (RFC 1939 §3).
 */
import { setImmediate } from 'node:timers/promises';
import type { Account } from '../../mail/mailbox.ts';
import type { Channel } from '../../ports/authenticator.ts';
import { type Line, LineReader } from '../../protocol/lines/line-reader.ts';
import { type Command, type CommandName, parseCommand } from '../../protocol/pop3/command.ts';
import { err, ok, type ResponseCode } from '../../protocol/pop3/respond.ts';
import type { Connection } from '../connection.ts';
import { channelOf } from '../entry.ts';
import type { AccessProtocol } from '../options.ts';
import { Presence } from '../presence.ts';
import * as authorization from './authorization.ts';
import { capa, lang } from './general.ts';
import type { Maildrop } from './maildrop.ts';
import type { Pop3Deps, Pop3Options } from './options.ts';
import * as transaction from './transaction.ts';

/** `options` as they are at each connection. */
export function pop3(options: () => Pop3Options, deps: Pop3Deps): AccessProtocol {
  const presence = new Presence(options);
  return {
    refusal: err('Too many connections, try again later', 'SYS/TEMP'),
    serve: (connection) => new Session(connection, options(), deps, presence).run(),
  };
}

export interface Transaction {
  readonly kind: 'transaction';
  readonly account: Account;
  readonly maildrop: Maildrop;
}

export type State = { readonly kind: 'authorization'; readonly user?: string } | Transaction;

type Carry = (session: Session, command: never) => void | Promise<void>;

const quit: Carry = async (session) => {
  if (session.state.kind === 'transaction') await transaction.update(session, session.state);
  else session.say(ok('Bye'));
  session.isOver = true;
};

const inAuthorization: Partial<Record<CommandName, Carry>> = {
  CAPA: capa,
  LANG: lang,
  QUIT: quit,
  STLS: authorization.stls,
  UTF8: authorization.utf8,
  USER: authorization.user,
  PASS: authorization.pass,
  AUTH: authorization.auth,
};

const inTransaction: Partial<Record<CommandName, Carry>> = {
  CAPA: capa,
  LANG: lang,
  QUIT: quit,
  STAT: transaction.stat,
  LIST: transaction.list,
  UIDL: transaction.uidl,
  RETR: transaction.retr,
  TOP: transaction.top,
  DELE: transaction.dele,
  RSET: transaction.rset,
  NOOP: transaction.noop,
};

const commandsInARow = 50;

export class Session {
  readonly connection: Connection;
  readonly options: Pop3Options;
  readonly deps: Pop3Deps;
  readonly presence: Presence;
  state: State = { kind: 'authorization' };
  isOver = false;
  /** Sign-ins that were refused. */
  refusals = 0;
  readonly #reader: LineReader;
  #channel: Channel | undefined;
  #errors = 0;

  constructor(connection: Connection, options: Pop3Options, deps: Pop3Deps, presence: Presence) {
    this.connection = connection;
    this.options = options;
    this.deps = deps;
    this.presence = presence;
    this.#reader = new LineReader(options.lineLimit);
  }

  async run(): Promise<void> {
    const { connection, options } = this;
    connection.farewell = (why) => (why === 'shutdown' ? err('Shutting down', 'SYS/TEMP') : '');
    this.say(ok(`${options.product} POP3 ready`));
    try {
      for (let count = 1; !this.isOver; count++) {
        // Commands that come together and need nobody's answer would keep all other sessions waiting.
        if (count % commandsInARow === 0) await setImmediate();
        const line = await this.line();
        if (line === undefined) break;
        await this.#obey(line);
        await connection.room();
      }
    } catch (error) {
      // Whatever was being done for a client that is gone may end as it likes.
      if (!connection.signal.aborted) throw error;
      connection.log.debug({ ip: connection.ip, err: error }, 'POP3 session cut off');
    } finally {
      this.#leave();
    }
  }

  /** ASCII. */
  say(words: string): void {
    this.connection.write(words);
  }

  refuse(text: string, code?: ResponseCode): void {
    this.say(err(text, code));
  }

  /** The next line of the client; undefined when there will be none. */
  async line(): Promise<Line | undefined> {
    for (;;) {
      const line = this.#reader.take();
      if (line !== undefined) return line;
      const octets = await this.connection.read();
      if (octets === undefined) return undefined;
      this.#reader.push(octets);
    }
  }

  /** What came in the clear is not obeyed under TLS (RFC 2595 §4). */
  forgetAll(): void {
    this.#reader.clear();
    this.#channel = undefined;
    this.state = { kind: 'authorization' };
  }

  /** Nobody signs in before TLS where the listener requires it. */
  get needsTls(): boolean {
    return this.connection.setting.isTlsRequired && !this.connection.isSecure;
  }

  /** Ways to sign in that may be used now. */
  get mechanisms(): readonly string[] {
    return this.needsTls ? [] : this.deps.authenticator.mechanisms(this.channel);
  }

  /** Where PLAIN may be used (ports/authenticator). */
  get mayShowPassword(): boolean {
    return this.mechanisms.includes('PLAIN');
  }

  get channel(): Channel {
    this.#channel ??= channelOf(this.connection, 'pop3');
    return this.#channel;
  }

  async #obey(line: Line): Promise<void> {
    if (line.kind === 'tooLong') return this.#mistake('Line too long');
    const command = parseCommand(line.octets);
    const permitted = this.state.kind === 'authorization' ? inAuthorization : inTransaction;
    const name = command.name === 'misunderstood' ? command.command : command.name;
    if (name !== undefined && permitted[name] === undefined) {
      const when = this.state.kind === 'authorization' ? 'before sign-in' : 'after sign-in';
      return this.#mistake(`${name} is not permitted ${when}`);
    }
    if (command.name === 'misunderstood') return this.#mistake(command.text);
    await permitted[command.name]?.(this, command as Command as never);
  }

  #mistake(text: string): void {
    this.#errors += 1;
    this.isOver = this.options.errors > 0 && this.#errors >= this.options.errors;
    this.refuse(this.isOver ? `${text}. Too many errors` : text);
  }

  #leave(): void {
    if (this.state.kind !== 'transaction') return;
    const { account, maildrop } = this.state;
    this.presence.leave(account.id);
    const { ip, log } = this.connection;
    log.info({ ip, account: account.name, retrieved: maildrop.retrieved }, 'POP3 session ended');
  }
}
