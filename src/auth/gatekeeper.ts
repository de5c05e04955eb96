/**
 * auth/gatekeeper - who may enter: the Authenticator that IMAP, POP3, ManageSieve and submission ask.
 */
import type { Authenticator, AuthStep, Channel, Outcome, Refusal } from '../ports/authenticator.ts';
import { beginSasl, knownMechanism, type SaslMechanism, saslMechanisms } from '../protocol/sasl/begin.ts';
import { Attempt } from './attempt.ts';
import type { GateDeps, GateOptions } from './options.ts';

const nonceLength = 18;

export class Gatekeeper implements Authenticator {
  readonly #options: GateOptions;
  readonly #deps: GateDeps;

  constructor(options: GateOptions, deps: GateDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  mechanisms(channel: Channel): readonly SaslMechanism[] {
    return this.#isSafe(channel) ? saslMechanisms.filter((name) => this.#isPossible(name, channel)) : [];
  }

  async begin(
    mechanism: string,
    channel: Channel,
    initial: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<AuthStep> {
    signal.throwIfAborted();
    const name = knownMechanism(mechanism);
    const offered = this.mechanisms(channel);
    if (name === undefined || !offered.includes(name))
      return this.#refused(channel, name !== undefined && this.#isPossible(name, channel));
    const attempt = new Attempt(this.#options, this.#deps, name, channel, signal);
    const channelBindings = offered.includes('SCRAM-SHA-256-PLUS') ? channel.channelBindings : new Map();
    const nonce = () => Buffer.from(this.#deps.randomBytes(nonceLength)).toString('base64');
    return attempt.advance(() => beginSasl(name, { channelBindings, nonce }, initial));
  }

  async password(name: string, password: string, channel: Channel, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const isPossible = this.#isPossible('PLAIN', channel);
    if (!isPossible || !this.#isSafe(channel)) return this.#refused(channel, isPossible);
    // Octets; as PLAIN has it.
    if ([name, password].some((part) => part === '' || part.includes('\0') || Buffer.byteLength(part) > 1024))
      return { kind: 'refused', because: 'credentials' };
    return new Attempt(this.#options, this.#deps, 'password', channel, signal).password(name, password);
  }

  #refused(channel: Channel, isPossible: boolean): Outcome {
    const because: Refusal = isPossible && !this.#isSafe(channel) ? 'tlsRequired' : 'mechanism';
    return { kind: 'refused', because };
  }

  #isSafe(channel: Channel): boolean {
    return channel.tls || this.#deps.isSafeWithoutTls(channel.remote);
  }

  #isPossible(mechanism: SaslMechanism, channel: Channel): boolean {
    if (!this.#options.mechanisms.has(mechanism)) return false;
    switch (mechanism) {
      case 'PLAIN':
      case 'LOGIN':
        return this.#deps.passwords.length > 0;
      case 'SCRAM-SHA-256':
        return this.#deps.scram !== undefined;
      case 'SCRAM-SHA-256-PLUS':
        return this.#deps.scram !== undefined && channel.channelBindings.size > 0;
      case 'OAUTHBEARER':
      case 'XOAUTH2':
        return this.#deps.tokens.length > 0;
      case 'EXTERNAL':
        return this.#deps.certificates !== undefined && channel.clientCertificate !== undefined;
    }
  }
}
