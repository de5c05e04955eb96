/**
 * deliver/connection - a connection ready for messages: greeted, EHLO said, TLS by policy, logged in.
 *
 *   connect -> [TLS] -> greeting -> EHLO -> [STARTTLS -> EHLO] -> [AUTH] -> ready
 *
 * TLS policy: `none` never asks. `opportunistic` (RFC 7435) takes what it can get: where STARTTLS is offered and then
 * fails, a new connection is made and stays in the clear. `require` and `verify` get TLS or give up. The certificate
 * is always examined, so that `verified` can be shown in the trace and asked for by REQUIRETLS.
 */
import type { Peer } from '../mail/delivery.ts';
import { isPermanent, isPositive, type Reply } from '../mail/reply.ts';
import { authLines, chooseMechanism } from '../protocol/smtp/client-auth.ts';
import { type Extensions, noExtensions, parseExtensions } from '../protocol/smtp/client-extensions.ts';
import type { Attempt } from './attempt.ts';
import { PeerFault } from './fault.ts';
import type { DeliveryOptions, HopSettings } from './options.ts';
import { tlsOptions } from './tls.ts';
import { Wire } from './wire.ts';

/** One address of one host, and how to speak to it. */
export interface Target {
  /** Where the connection may serve again: same settings, host, address and port. */
  readonly key: string;
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  readonly protocol: 'smtp' | 'lmtp';
  readonly settings: HopSettings;
}

export interface Caller {
  /** What we say at EHLO. */
  readonly hostname: string;
  readonly delivery: DeliveryOptions;
}

export interface Connection {
  readonly target: Target;
  readonly wire: Wire;
  readonly offered: Extensions;
  readonly peer: Peer;
  /** The certificate is valid and names the host. */
  readonly verified: boolean;
  readonly openedAt: number;
  /** Messages sent, or tried, so far. */
  messages: number;
  /** A transaction was left open: RSET goes before the next one. */
  needsReset: boolean;
}

/** Rejects with PeerFault; then nothing is left open. */
export async function openConnection(
  target: Target,
  caller: Caller,
  attempt: Attempt,
  now: number,
): Promise<Connection> {
  try {
    return await new Opening(target, caller, attempt, now).run(target.settings.tls !== 'none');
  } catch (error) {
    const { tls, implicitTls } = target.settings;
    const mayGoClear = tls === 'opportunistic' && !implicitTls;
    if (!mayGoClear || !(error instanceof PeerFault) || error.kind !== 'tls') throw error;
    return await new Opening(target, caller, attempt, now).run(false);
  }
}

class Opening {
  readonly #target: Target;
  readonly #caller: Caller;
  readonly #attempt: Attempt;
  readonly #now: number;
  #tls: { readonly text: string; readonly verified: boolean } | undefined;

  constructor(target: Target, caller: Caller, attempt: Attempt, now: number) {
    this.#target = target;
    this.#caller = caller;
    this.#attempt = attempt;
    this.#now = now;
  }

  async run(mayStartTls: boolean): Promise<Connection> {
    const { delivery } = this.#caller;
    const { ip, port, settings } = this.#target;
    const localAddress = ip.includes(':') ? delivery.sourceIpv6 : delivery.sourceIpv4;
    const wire = await Wire.connect({ ip, port, localAddress }, delivery.timeLimits.connect, (made) =>
      this.#attempt.hold(made),
    );
    try {
      if (settings.implicitTls) await this.#secure(wire);
      await this.#greeting(wire);
      let offered = await this.#hello(wire);
      if (mayStartTls && !this.#tls) offered = await this.#startTls(wire, offered);
      if (settings.auth) await this.#login(wire, offered);
      return this.#ready(wire, offered);
    } catch (error) {
      if (!(error instanceof PeerFault)) {
        wire.break(new PeerFault('closed', 'a fault of our own'));
        throw error;
      }
      if (error.reply && error.reply.code !== 421) wire.send(['QUIT\r\n']);
      throw wire.break(error);
    }
  }

  #ready(wire: Wire, offered: Extensions): Connection {
    const { host, ip, port } = this.#target;
    const peer = { host, ip, port, ...(this.#tls ? { tls: this.#tls.text } : {}) };
    return {
      target: this.#target,
      wire,
      offered,
      peer,
      verified: this.#tls?.verified ?? false,
      openedAt: this.#now,
      messages: 0,
      needsReset: false,
    };
  }

  async #greeting(wire: Wire): Promise<void> {
    const reply = await ask(wire, undefined, this.#caller.delivery.timeLimits.greeting, 'the connection');
    if (reply.code !== 220) throw new PeerFault('refused', 'the greeting refuses us', reply);
  }

  /** EHLO, and HELO where it is not understood (RFC 5321 §3.2). LHLO has no older form (RFC 2033 §4.1). */
  async #hello(wire: Wire): Promise<Extensions> {
    const limit = this.#caller.delivery.timeLimits.ehlo;
    const word = this.#target.protocol === 'lmtp' ? 'LHLO' : 'EHLO';
    const reply = await ask(wire, `${word} ${this.#caller.hostname}\r\n`, limit, word);
    if (isPositive(reply)) return parseExtensions(reply);
    if (word === 'LHLO' || !isPermanent(reply)) throw new PeerFault('refused', `${word} is refused`, reply);
    const older = await ask(wire, `HELO ${this.#caller.hostname}\r\n`, limit, 'HELO');
    if (!isPositive(older)) throw new PeerFault('refused', 'HELO is refused', older);
    return noExtensions;
  }

  async #startTls(wire: Wire, offered: Extensions): Promise<Extensions> {
    const optional = this.#target.settings.tls === 'opportunistic';
    if (!offered.startTls) {
      if (optional) return offered;
      throw new PeerFault('tls', 'the peer does not offer STARTTLS');
    }
    const reply = await ask(wire, 'STARTTLS\r\n', this.#caller.delivery.timeLimits.ehlo, 'STARTTLS');
    if (reply.code !== 220) {
      if (optional) return offered;
      throw new PeerFault('tls', 'STARTTLS is refused', reply);
    }
    await this.#secure(wire);
    // RFC 3207 §4.2: what was said in the clear is forgotten.
    return await this.#hello(wire);
  }

  async #secure(wire: Wire): Promise<void> {
    const { settings } = this.#target;
    const socket = await wire.startTls(tlsOptions(this.#target), this.#caller.delivery.timeLimits.tls);
    const verified = socket.authorized;
    if (settings.tls === 'verify' && !verified) {
      throw new PeerFault(
        'tls',
        `the certificate is not valid for this host: ${why(socket.authorizationError)}`,
      );
    }
    this.#tls = {
      text: `${socket.getProtocol() ?? 'TLS'} ${verified ? 'verified' : 'unverified'}`,
      verified,
    };
  }

  async #login(wire: Wire, offered: Extensions): Promise<void> {
    const { auth, authWithoutTls } = this.#target.settings;
    if (auth === undefined) return;
    if (!this.#tls && !authWithoutTls) {
      throw new PeerFault('login', 'there is no TLS, and credentials are not sent in the clear');
    }
    const mechanism = chooseMechanism(offered.auth, auth.mechanism);
    if (mechanism === undefined) {
      const wanted = auth.mechanism ?? 'PLAIN or LOGIN';
      throw new PeerFault(
        'login',
        `the peer offers ${[...offered.auth].join(' ') || 'no AUTH'}, not ${wanted}`,
      );
    }
    const limit = this.#caller.delivery.timeLimits.auth;
    for (const line of authLines(mechanism, auth)) {
      const reply = await ask(wire, line, limit, 'AUTH');
      if (reply.code === 235) return;
      if (reply.code !== 334) throw new PeerFault('login', 'our credentials are refused', reply);
    }
    throw new PeerFault('login', `the peer asks for more than ${mechanism} has to say`);
  }
}

/** Says a line and takes the answer. 421 ends the conversation wherever it comes (RFC 5321 §3.8). */
async function ask(wire: Wire, line: string | undefined, limit: number, doing: string): Promise<Reply> {
  if (line !== undefined) wire.send([line]);
  const [reply] = await wire.replies(1, limit, doing);
  if (reply === undefined) throw wire.fault ?? new PeerFault('closed', `no answer to ${doing}`);
  if (reply.code === 421) throw new PeerFault('refused', `the peer closes at ${doing}`, reply);
  return reply;
}

/** `CERT_HAS_EXPIRED` and the like; Node gives a code or an Error. */
const why = (error: unknown): string => {
  const named = error as NodeJS.ErrnoException | string | undefined;
  if (named === undefined || named === null) return 'unknown reason';
  return typeof named === 'string' ? named : (named.code ?? named.message);
};
