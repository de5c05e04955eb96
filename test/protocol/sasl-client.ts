/**
 * The client's side of SCRAM-SHA-256, written from RFC 5802 apart from the server's, so that both can be wrong only
 * where the RFC was read wrong twice; test/protocol/sasl-scram.test.ts has other people's clients too.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();

export interface ClientWish {
  readonly name: string;
  readonly password: string;
  readonly nonce?: string;
  readonly actFor?: string;
  /** `n`, `y`, or the type and octets of a channel binding. */
  readonly binding?: 'n' | 'y' | readonly [string, Uint8Array];
  /** What `c=` says, where it is not the truth. */
  readonly boundText?: Uint8Array;
}

export class ScramClient {
  readonly #wish: ClientWish;
  readonly #header: string;
  readonly #bare: string;
  #signature = '';

  constructor(wish: ClientWish) {
    this.#wish = wish;
    const { binding = 'n', actFor, name, nonce = 'fyko+d2lbbFgONRv9qkxdawL' } = wish;
    const flag = typeof binding === 'string' ? binding : `p=${binding[0]}`;
    const said = (text: string) => text.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#header = `${flag},${actFor === undefined ? '' : `a=${said(actFor)}`},`;
    this.#bare = `n=${said(name)},r=${nonce}`;
  }

  first(): Buffer {
    return Buffer.from(this.#header + this.#bare);
  }

  final(serverFirst: Uint8Array): Buffer {
    const said = Buffer.from(serverFirst).toString();
    const [, nonce = '', salt = '', count = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(said) ?? [];
    const { binding = 'n', password, boundText } = this.#wish;
    const bound =
      boundText ??
      Buffer.concat([Buffer.from(this.#header), typeof binding === 'string' ? Buffer.alloc(0) : binding[1]]);
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(count), 32, 'sha256');
    const withoutProof = `c=${Buffer.from(bound).toString('base64')},r=${nonce}`;
    const message = `${this.#bare},${said},${withoutProof}`;
    const key = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(key).digest(), message);
    const proof = key.map((octet, index) => octet ^ (signature[index] ?? 0));
    this.#signature = hmac(hmac(salted, 'Server Key'), message).toString('base64');
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** Whether the server has proved that it knows our keys. */
  trusts(serverFinal: Uint8Array): boolean {
    return Buffer.from(serverFinal).toString() === `v=${this.#signature}`;
  }
}
