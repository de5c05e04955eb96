/**
 * access/imap/session - one client of IMAP from greeting to goodbye (RFC 9051 §3).
 *
 * Reads a command, looks up its rule, carries it out, tells what has happened in the selected mailbox meanwhile as far
 * as it may be told, and answers. One command at a time: what the client sends in advance waits in the socket.
 */
import { setImmediate } from 'node:timers/promises';
import type { AccountId } from '../../mail/mailbox.ts';
import type { Channel } from '../../ports/authenticator.ts';
import { MailboxGone } from '../../ports/messages.ts';
import { encodeMailboxName } from '../../protocol/imap/mailbox-name.ts';
import type { Refusal as Refused } from '../../protocol/imap/request/command.ts';
import type { RequestEvent } from '../../protocol/imap/request/reader.ts';
import type { Dialect } from '../../protocol/imap/respond/notation.ts';
import { type Code, completion, goOn, type Said, statement } from '../../protocol/imap/respond/status.ts';
import { type Connection, ConnectionGone } from '../connection.ts';
import { channelOf } from '../entry.ts';
import type { Presence } from '../presence.ts';
import { append } from './append.ts';
import { capabilitiesOf } from './capabilities.ts';
import { carryOut, newsAfter } from './carry-out.ts';
import { freshRights } from './fresh-rights.ts';
import { Input } from './input.ts';
import { tellNews } from './news.ts';
import type { Notifier } from './notifier.ts';
import type { ImapDeps, ImapOptions } from './options.ts';
import { asRefusal } from './refusal.ts';
import type { Done, News } from './rule.ts';
import type { Extension, State, User } from './state.ts';
import type { View } from './view.ts';
import { tellUntil } from './waiting.ts';

const plain: Dialect = { utf8: false, encodeName: encodeMailboxName };
const unicode: Dialect = { utf8: true, encodeName: (name) => name };

const commandsInARow = 50;

export class Session {
  readonly connection: Connection;
  readonly options: ImapOptions;
  readonly deps: ImapDeps;
  readonly input: Input;
  readonly enabled = new Set<Extension>();
  state: State = { kind: 'notAuthenticated' };
  refusedLogins = 0;
  /** What is told of at any time; undefined before NOTIFY (RFC 5465). */
  notifier: Notifier | undefined;
  readonly #presence: Presence;
  #errors = 0;
  #isLast = false;
  /** Whose session is counted. */
  #account: AccountId | undefined;
  #channel: Channel | undefined;

  constructor(connection: Connection, options: ImapOptions, deps: ImapDeps, presence: Presence) {
    this.connection = connection;
    this.#presence = presence;
    this.options = options;
    this.deps = deps;
    this.input = new Input(connection, options.limits);
    connection.farewell = (why) =>
      statement(
        'BYE',
        why === 'idle'
          ? { text: 'You were silent for too long' }
          : { text: 'The server is going down', code: { code: 'UNAVAILABLE' } },
        this.dialect,
      );
  }

  async run(): Promise<void> {
    this.say(
      statement('OK', { text: `${this.options.product.name} is ready`, code: this.capabilityCode }, plain),
    );
    try {
      for (let count = 1; this.state.kind !== 'logout'; count++) {
        // Commands that come together and need no answer from elsewhere would keep all other sessions waiting.
        if (count % commandsInARow === 0) await setImmediate();
        this.connection.isAtRest = true;
        const coming = this.input.event();
        if (this.notifier !== undefined) await tellUntil(this, coming, false);
        const event = await coming;
        if (event === undefined) return;
        this.connection.isAtRest = false;
        await this.#take(event);
        await this.room();
      }
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.notify(undefined);
    this.deselect();
    if (this.#account !== undefined) this.#presence.leave(this.#account);
    this.#account = undefined;
  }

  /** To be sent with whatever changes what is offered (RFC 9051 §6.2.2). */
  get capabilityCode(): Code {
    return { code: 'CAPABILITY', capabilities: capabilitiesOf(this) };
  }

  // ---- in and out

  /** What came in the clear is forgotten; what signed in is not: nobody has before TLS (RFC 9051 §6.2.1). */
  async startTls(): Promise<void> {
    this.input.forget();
    this.#channel = undefined;
    if (!(await this.connection.startTls())) this.state = { kind: 'logout' };
    else this.input.forget();
  }

  compress(): void {
    this.input.forget();
    this.connection.compress();
  }

  say(octets: string): void {
    this.connection.write(octets);
  }

  goOn(words: string): void {
    this.say(goOn(words, this.dialect));
    this.connection.flush();
  }

  /** Before more is said than fits a buffer. */
  async room(): Promise<void> {
    await this.connection.room();
  }

  get signal(): AbortSignal {
    return this.connection.signal;
  }

  get dialect(): Dialect {
    return this.enabled.has('IMAP4REV2') || this.enabled.has('UTF8=ACCEPT') ? unicode : plain;
  }

  // ---- commands

  async #take(event: RequestEvent): Promise<void> {
    switch (event.kind) {
      case 'command':
        return await this.#answer(event.tag, newsAfter(event.command), () =>
          carryOut(this, event.tag, event.command),
        );
      case 'append':
        return await this.#answer(event.tag, 'all', () => append(this, event));
      case 'refused':
        return this.#refused(event);
      case 'go-on':
        return this.goOn('Go on');
      default:
        return undefined; // what is left of a command that was given up
    }
  }

  async #answer(tag: string, news: News, run: () => Promise<Done> | Done): Promise<void> {
    try {
      await freshRights(this);
      if (this.state.kind === 'logout') return;
      const done = await run();
      await this.#tellNews(news);
      this.say(completion(tag, 'OK', done, this.dialect));
      await done.after?.();
    } catch (thrown) {
      await this.#failed(tag, news, thrown);
    }
  }

  async #failed(tag: string, news: News, thrown: unknown): Promise<void> {
    if (thrown instanceof ConnectionGone) throw thrown;
    this.signal.throwIfAborted(); // nobody is there to be told
    const { refusal, isBug } = asRefusal(thrown);
    if (isBug) this.connection.log.error({ ip: this.connection.ip, err: thrown }, 'command failed');
    if (refusal.verdict === 'NO') await this.#tellNews(news === 'ask' ? 'all' : news).catch(this.#untold);
    this.say(completion(tag, refusal.verdict, refusal.said, this.dialect));
    if (this.#isLast) this.bye('Too many refusals');
    if (refusal.verdict === 'BAD') this.#countError();
  }

  /** What keeps a command from being done may keep news from being told; they are told later. */
  readonly #untold = (thrown: unknown): void => {
    if (thrown instanceof ConnectionGone) throw thrown;
    if (asRefusal(thrown).isBug) this.connection.log.error({ err: thrown }, 'telling failed');
  };

  #refused({ tag, verdict, code, text }: Refused): void {
    const said: Said = { text, ...(code === undefined ? {} : { code }) };
    this.say(
      tag === undefined ? statement('BAD', said, this.dialect) : completion(tag, verdict, said, this.dialect),
    );
    if (verdict === 'BAD') this.#countError();
  }

  /** The command that is refused is the last one. */
  hangUpAfter(): void {
    this.#isLast = true;
  }

  #countError(): void {
    if (++this.#errors >= this.options.errors) this.bye('Too many errors', 'CLIENTBUG');
  }

  bye(text: string, code?: 'CLIENTBUG' | 'UNAVAILABLE' | 'AUTHENTICATIONFAILED' | 'EXPIRED'): void {
    if (this.state.kind === 'logout') return;
    this.say(statement('BYE', { text, ...(code === undefined ? {} : { code: { code } }) }, this.dialect));
    this.deselect();
    this.state = { kind: 'logout' };
  }

  async #tellNews(news: News): Promise<void> {
    if (news === 'none') return;
    await this.notifier?.tell();
    if (this.state.kind !== 'selected' || (this.notifier?.isMute === true && news !== 'ask')) return;
    await this.tellNews(this.state.view, { expunges: news !== 'noExpunge', ask: news === 'ask' });
  }

  /** Also from IDLE and whoever tells unasked. */
  async tellNews(view: View, telling: { readonly expunges: boolean; readonly ask?: boolean }): Promise<void> {
    try {
      await freshRights(this);
      if (this.state.kind === 'selected') await tellNews(this, view, telling);
    } catch (thrown) {
      view.isStale = true;
      if (!(thrown instanceof MailboxGone)) throw thrown;
      // RFC 2180 §3.3 leaves this to a server that cannot go on.
      this.bye('The selected mailbox was removed', 'UNAVAILABLE');
    }
  }

  notify(notifier: Notifier | undefined): void {
    this.notifier?.[Symbol.dispose]();
    this.notifier = notifier;
  }

  // ---- state

  get mayLogin(): boolean {
    return this.mayAuthenticate && this.deps.authenticator.mechanisms(this.channel).includes('PLAIN');
  }

  get mayAuthenticate(): boolean {
    return this.connection.isSecure || !this.connection.setting.isTlsRequired;
  }

  get channel(): Channel {
    this.#channel ??= channelOf(this.connection, 'imap');
    return this.#channel;
  }

  /** False: the account has too many sessions. */
  signIn(user: User): boolean {
    if (this.#presence.enter(user.account, this.connection.now) !== 'in') return false;
    this.#account = user.account;
    this.input.isSignedIn = true;
    this.state = { kind: 'authenticated', user };
    this.connection.patience = this.connection.setting.limits.idleTime;
    const { login } = user;
    this.connection.log.info(
      { ip: this.connection.ip, account: user.name, as: login.authenticatedAs, way: login.way },
      'signed in',
    );
    return true;
  }

  /** RFC 8437 §3: as it was after the greeting, but for TLS and compression. */
  signOut(): void {
    this.#leave();
    this.enabled.clear();
    this.input.utf8 = false;
    this.input.isSignedIn = false;
    this.state = { kind: 'notAuthenticated' };
    this.connection.patience = this.connection.setting.limits.greetingTime;
  }

  enable(extension: Extension): void {
    if (this.enabled.has(extension)) return;
    this.enabled.add(extension);
    if (extension === 'QRESYNC') this.enable('CONDSTORE'); // RFC 7162 §3.2.3
    if (extension === 'CONDSTORE' && this.state.kind === 'selected') {
      const code = { code: 'HIGHESTMODSEQ', value: this.state.view.modSeq } as const; // RFC 7162 §3.1
      this.say(statement('OK', { text: 'Highest', code }, this.dialect));
    }
    this.input.utf8 = this.dialect.utf8;
  }

  select(user: User, view: View): void {
    this.state = { kind: 'selected', user, view };
  }

  deselect(): void {
    if (this.state.kind !== 'selected') return;
    this.state.view.close();
    this.state = { kind: 'authenticated', user: this.state.user };
  }
}
