/**
 * receive/identity - who speaks in a session: the socket's or the PROXY header's address, what XCLIENT, TLS and AUTH
 * said since, and the name DNS has for it.
 */
import type { Client, ClientTls } from '../mail/envelope.ts';
import type { Xclient } from '../protocol/smtp/xclient.ts';
import type { Standing } from './recognise.ts';
import { reverseName } from './reverse-name.ts';
import type { Setting } from './server.ts';

/** What only the session knows. */
export interface Speaker {
  readonly setting: Setting;
  /** What HELO, EHLO or LHLO said; false before. */
  readonly hostNameAppearsAs: string | false;
  readonly openingCommand: string | false;
  readonly tlsFacts: ClientTls | undefined;
}

export class Identity {
  /** Who connected; XCLIENT does not change it. */
  readonly peer: string;
  readonly #speaker: Speaker;
  #account: string | undefined;
  #xclient: Xclient = {};
  #name: string | undefined;
  #nameKnown: Promise<void> | undefined;
  #tls: ClientTls | undefined;
  #standing: Standing | undefined;
  #client: Client | undefined;

  constructor(peer: string, speaker: Speaker) {
    this.peer = peer;
    this.#speaker = speaker;
  }

  get ip(): string {
    return this.#xclient.ip ?? this.peer;
  }

  get account(): string | undefined {
    return this.#account;
  }

  set account(account: string | undefined) {
    this.#account = account;
    this.#client = undefined;
  }

  /** EHLO or LHLO, also of the client an XCLIENT speaks for. */
  get extended(): boolean {
    return this.#xclient.extended ?? this.#speaker.openingCommand !== 'HELO';
  }

  /** TLS has begun, or another client is spoken for: what was known by the session's words is forgotten. */
  forget(): void {
    this.#account = undefined;
    this.#tls = undefined;
    this.#standing = undefined;
    this.#client = undefined;
  }

  /** HELO, EHLO or LHLO was said. */
  greeted(): void {
    this.#client = undefined;
  }

  /** From now on it is somebody else who speaks. */
  become(client: Xclient): void {
    this.forget();
    this.#xclient = { ...this.#xclient, ...client };
    if ('account' in client) this.#account = client.account;
    if (!('ip' in client) && !('name' in client)) return;
    this.#name = client.name;
    this.#nameKnown = undefined;
  }

  /** XCLIENT speaks for somebody whose address it does not know: nothing of the filter's own standing is theirs. */
  get #addressUnknown(): boolean {
    return 'ip' in this.#xclient && this.#xclient.ip === undefined;
  }

  get standing(): Standing {
    if (this.#addressUnknown) return { mayRelay: false };
    this.#standing ??= this.#speaker.setting.recogniser.standing(this.ip, this.tls?.certificateNames);
    return this.#standing;
  }

  /** A site of ours or a client that may relay: not counted like strangers. */
  get trusted(): boolean {
    const { mayRelay, site } = this.standing;
    return mayRelay || site !== undefined;
  }

  /** Of the session; a certificate in it is that of the filter where XCLIENT names another client. */
  get tls(): ClientTls | undefined {
    this.#tls ??= this.#speaker.tlsFacts;
    if (this.#tls === undefined || !('ip' in this.#xclient)) return this.#tls;
    return { version: this.#tls.version, cipher: this.#tls.cipher };
  }

  /** The same object until something about the client has changed. */
  get client(): Client {
    this.#client ??= this.#describe();
    return this.#client;
  }

  #describe(): Client {
    const { setting, hostNameAppearsAs } = this.#speaker;
    const { account, standing, tls } = this;
    const helo = this.#xclient.helo ?? (hostNameAppearsAs === false ? undefined : hostNameAppearsAs);
    return {
      listener: setting.options.name,
      protocol: setting.options.protocol,
      ip: this.ip,
      ...(helo === undefined ? {} : { helo }),
      ...(this.#name === undefined ? {} : { name: this.#name }),
      ...(tls === undefined ? {} : { tls }),
      ...(account === undefined ? {} : { account }),
      mayRelay: standing.mayRelay || account !== undefined,
      ...(standing.site === undefined ? {} : { site: standing.site }),
    };
  }

  /** Begins to ask for the name, beside all else. */
  askName(): void {
    const { deps, options } = this.#speaker.setting;
    if (deps.resolver === undefined || options.reverseName === 0) return;
    const asked = reverseName(this.peer, deps.resolver, options.reverseName).then((name) => {
      if (this.#nameKnown !== asked) return;
      this.#nameKnown = undefined;
      this.#name = name;
      this.#client = undefined;
    });
    this.#nameKnown = asked;
  }

  /** Resolves when the name is known, or will not be; undefined when it is so already. */
  get nameKnown(): Promise<void> | undefined {
    return this.#nameKnown;
  }
}
