/**
 * Who may enter, in memory: names and passwords, real SASL mechanisms, PLAIN and LOGIN within TLS only.
 */
import { randomBytes } from 'node:crypto';
import type {
  Authenticator,
  AuthStep,
  Channel,
  Login,
  Outcome,
  Refusal,
} from '../../src/ports/authenticator.ts';
import { beginSasl } from '../../src/protocol/sasl/begin.ts';
import { deriveScramKeys, fakeScramKeys } from '../../src/protocol/sasl/scram-keys.ts';
import type { Step } from '../../src/protocol/sasl/step.ts';

const iterations = 4096;

export class People implements Authenticator {
  readonly #passwords: ReadonlyMap<string, string>;
  /** Whoever has the right password is refused for this. */
  wall: Refusal | undefined;
  /** Passwords may be said without TLS. */
  isSafeWithoutTls = false;
  /** When credentials end. */
  until: Date | undefined;
  readonly channels: Channel[] = [];

  constructor(passwords: Readonly<Record<string, string>>) {
    this.#passwords = new Map(Object.entries(passwords));
  }

  mechanisms(channel: Channel): readonly string[] {
    return channel.tls || this.isSafeWithoutTls
      ? ['SCRAM-SHA-256', 'XOAUTH2', 'PLAIN', 'LOGIN']
      : ['SCRAM-SHA-256'];
  }

  async begin(mechanism: string, channel: Channel, initial: Uint8Array | undefined): Promise<AuthStep> {
    this.channels.push(channel);
    if (!this.mechanisms(channel).includes(mechanism)) return { kind: 'refused', because: 'mechanism' };
    const nonce = () => randomBytes(18).toString('base64');
    const { channelBindings } = channel;
    return this.#after(channel, beginSasl(mechanism, { channelBindings, nonce }, initial));
  }

  async password(name: string, password: string, channel: Channel): Promise<Outcome> {
    this.channels.push(channel);
    return this.#outcome(channel, name.toLowerCase(), this.#isRight(name, password));
  }

  #isRight(name: string, password: string): boolean {
    return this.#passwords.get(name.toLowerCase()) === password;
  }

  async #after(channel: Channel, step: Step): Promise<AuthStep> {
    switch (step.kind) {
      case 'challenge':
        return {
          kind: 'challenge',
          octets: step.octets,
          isLast: step.success !== undefined,
          next: async (response) => this.#after(channel, step.next(response)),
          cancel() {},
        };
      case 'ask':
        return this.#after(channel, await this.#answer(step));
      case 'done':
        return this.#outcome(channel, step.authenticationId.toLowerCase(), true);
      case 'failed':
        return { kind: 'refused', because: step.reason === 'malformed' ? 'malformed' : 'credentials' };
    }
  }

  async #answer(step: Step & { kind: 'ask' }): Promise<Step> {
    if (step.question === 'password') return step.answer(this.#isRight(step.authenticationId, step.password));
    if (step.question === 'certificate') return step.answer(undefined);
    if (step.question === 'token') {
      const name = step.token.replace(/^token-of-/, '');
      return step.answer(
        this.#passwords.has(name)
          ? { isGood: true, authenticationId: name }
          : { isGood: false, status: 'invalid_token' },
      );
    }
    const password = this.#passwords.get(step.authenticationId);
    if (password === undefined)
      return step.answer(fakeScramKeys(step.authenticationId, Buffer.from('x'), iterations));
    return step.answer(await deriveScramKeys(password, Buffer.from('salt of this test'), iterations));
  }

  #outcome({ service }: Channel, account: string, isRight: boolean): Outcome {
    if (!isRight) return { kind: 'refused', because: 'credentials' };
    if (this.wall !== undefined) return { kind: 'refused', because: this.wall };
    const login: Login = {
      account,
      authenticatedAs: account,
      way: 'password',
      scope: new Set([service]),
      ...(this.until === undefined ? {} : { until: this.until }),
    };
    return { kind: 'in', login };
  }
}
