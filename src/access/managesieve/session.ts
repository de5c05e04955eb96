/**
 * access/managesieve/session - one ManageSieve client (RFC 5804): its commands read, judged by state and carried out,
 * one by one.
 *
 *   outside --AUTHENTICATE--> inside --UNAUTHENTICATE--> outside          LOGOUT ends it in either
 */
import { setImmediate } from 'node:timers/promises';
import type { Account } from '../../mail/mailbox.ts';
import type { Channel, Login } from '../../ports/authenticator.ts';
import { type Command, type CommandName, parseCommand } from '../../protocol/managesieve/command.ts';
import { type ResponseCode, response } from '../../protocol/managesieve/respond.ts';
import { type Input, WordReader } from '../../protocol/managesieve/words.ts';
import type { Connection } from '../connection.ts';
import { channelOf, endWith } from '../entry.ts';
import type { AccessProtocol } from '../options.ts';
import { Presence } from '../presence.ts';
import { authenticate, starttls, unauthenticate } from './enter.ts';
import { capability, greet, logout, noop } from './general.ts';
import type { ManageSieveDeps, ManageSieveOptions } from './options.ts';
import * as scripts from './scripts.ts';

/** `options` as they are at each connection. */
export function manageSieve(options: () => ManageSieveOptions, deps: ManageSieveDeps): AccessProtocol {
  const presence = new Presence(options);
  return {
    refusal: response('BYE', { code: 'TRYLATER', text: 'Too many connections' }).toString(),
    serve: (connection) => new Session(connection, options(), deps, presence).run(),
  };
}

export type State =
  | { readonly kind: 'outside' }
  | {
      readonly kind: 'inside';
      readonly account: Account;
      readonly owner: string;
      /** The end of the credential is of no matter any more. */
      readonly forget: () => void;
    };

type Carry = (session: Session, command: never) => void | Promise<void>;

const always: Partial<Record<CommandName, Carry>> = {
  CAPABILITY: capability,
  LOGOUT: logout,
  NOOP: noop,
};

const outside: Partial<Record<CommandName, Carry>> = {
  ...always,
  STARTTLS: starttls,
  AUTHENTICATE: authenticate,
};

const inside: Partial<Record<CommandName, Carry>> = {
  ...always,
  UNAUTHENTICATE: unauthenticate,
  HAVESPACE: scripts.haveSpace,
  PUTSCRIPT: scripts.put,
  CHECKSCRIPT: scripts.check,
  LISTSCRIPTS: scripts.list,
  SETACTIVE: scripts.setActive,
  GETSCRIPT: scripts.get,
  DELETESCRIPT: scripts.remove,
  RENAMESCRIPT: scripts.rename,
};

/** How much more than is permitted a client may send and be answered; beyond it is cut off. */
const skippedTimes = 16;

const commandsInARow = 50;

export class Session {
  readonly connection: Connection;
  readonly options: ManageSieveOptions;
  readonly deps: ManageSieveDeps;
  readonly presence: Presence;
  isOver = false;
  /** Sign-ins that were refused. */
  refusals = 0;
  readonly #reader: WordReader;
  #state: State = { kind: 'outside' };
  #channel: Channel | undefined;
  #errors = 0;

  constructor(
    connection: Connection,
    options: ManageSieveOptions,
    deps: ManageSieveDeps,
    presence: Presence,
  ) {
    this.connection = connection;
    this.options = options;
    this.deps = deps;
    this.presence = presence;
    this.#reader = new WordReader(this.#limits(options.lineLimit));
  }

  async run(): Promise<void> {
    const { connection } = this;
    connection.farewell = (why) => {
      const text = why === 'shutdown' ? 'Shutting down' : 'You were silent for too long';
      return response('BYE', { ...(why === 'shutdown' ? { code: 'TRYLATER' } : {}), text }).toString();
    };
    greet(this);
    try {
      for (let count = 1; !this.isOver; count++) {
        // Commands that come together and need nobody's answer would keep all other sessions waiting.
        if (count % commandsInARow === 0) await setImmediate();
        const input = await this.input();
        if (input === undefined) break;
        await this.#obey(input);
        await connection.room();
      }
    } catch (error) {
      // Whatever was being done for a client that is gone may end as it likes.
      if (!connection.signal.aborted) throw error;
      connection.log.debug({ ip: connection.ip, err: error }, 'ManageSieve session cut off');
    } finally {
      this.leave();
    }
  }

  get state(): State {
    return this.#state;
  }

  enter(account: Account, login: Login): void {
    const forget = endWith(this.connection, login);
    this.#state = { kind: 'inside', account, owner: login.account, forget };
    this.#reader.limits = this.#limits(this.options.scriptSize);
    this.connection.patience = this.connection.setting.limits.idleTime;
  }

  leave(): void {
    if (this.#state.kind === 'outside') return;
    this.#state.forget();
    this.presence.leave(this.#state.account.id);
    this.#state = { kind: 'outside' };
    this.#reader.limits = this.#limits(this.options.lineLimit);
    this.connection.patience = this.connection.setting.limits.greetingTime;
  }

  /** Nobody signs in before TLS where the listener requires it. */
  get needsTls(): boolean {
    return this.connection.setting.isTlsRequired && !this.connection.isSecure;
  }

  /** Ways to sign in that may be used now. */
  get mechanisms(): readonly string[] {
    return this.needsTls ? [] : this.deps.authenticator.mechanisms(this.channel);
  }

  get channel(): Channel {
    this.#channel ??= channelOf(this.connection, 'sieve');
    return this.#channel;
  }

  /** Nothing is said after goodbye. */
  say(octets: Buffer): void {
    if (!this.isOver) this.connection.write(octets);
  }

  ok(text?: string, code?: ResponseCode): void {
    this.say(response('OK', { ...(text && { text }), ...(code && { code }) }));
  }

  refuse(text: string, code?: ResponseCode): void {
    this.say(response('NO', { text, ...(code && { code }) }));
  }

  bye(text: string): void {
    this.say(response('BYE', { text }));
    this.isOver = true;
  }

  /** What the client says next; undefined when it says no more. */
  async input(): Promise<Input | undefined> {
    for (;;) {
      const input = this.#reader.take();
      if (input?.kind === 'fatal') this.bye(input.text);
      if (this.isOver) return undefined;
      if (input !== undefined) return input;
      const octets = await this.connection.read();
      if (octets === undefined) return undefined;
      this.#reader.push(octets);
    }
  }

  /** What came in the clear is not obeyed under TLS (RFC 5804 §2.2). */
  forgetInput(): void {
    this.#reader.clear();
    this.#channel = undefined;
  }

  async #obey(input: Input): Promise<void> {
    if (input.kind === 'fatal') return;
    if (input.kind === 'trouble') {
      // A script that is too big is no mistake of the protocol.
      if (input.trouble === 'tooBig') return this.refuse(input.text, 'QUOTA/MAXSIZE');
      return this.#mistake(input.text);
    }
    const command = parseCommand(input.words);
    const permitted = this.#state.kind === 'outside' ? outside : inside;
    const name = command.name === 'misunderstood' ? command.command : command.name;
    if (name !== undefined && permitted[name] === undefined)
      return this.#mistake(
        `${name} is not permitted ${this.#state.kind === 'outside' ? 'before' : 'after'} sign-in`,
      );
    if (command.name === 'misunderstood') return this.#mistake(command.text);
    await permitted[command.name]?.(this, command as Command as never);
  }

  #mistake(text: string): void {
    this.#errors += 1;
    if (this.options.errors > 0 && this.#errors >= this.options.errors) this.bye(`${text}. Too many errors`);
    else this.refuse(text);
  }

  #limits(literals: number) {
    return { line: this.options.lineLimit, literals, skipped: skippedTimes * literals };
  }
}
