/**
 * auth/password-hash - argon2id (RFC 9106) as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
 *
 * Each hash takes memory and a thread of the pool, so only a few run at once, the others wait, and where too many wait
 * the next is told at once that it cannot be told now.
 */
import { type Argon2Parameters, argon2, timingSafeEqual } from 'node:crypto';
import { VerifierAway } from '../ports/authenticator.ts';

export interface HashCost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 9106 §4 has more for those who can; this is what OWASP's Password Storage Cheat Sheet asks for at least. */
export const usualCost: HashCost = { memory: 19_456, passes: 2, parallelism: 1 };

/** What a stored string may ask for: it may come from another system's dump. */
const most = { memory: 1 << 20, passes: 64, parallelism: 64 } as const;
const saltLength = 16;
const hashLength = 32;

export interface PasswordHash {
  readonly cost: HashCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64').replace(/=+$/, '');

export const printHash = ({ cost, salt, hash }: PasswordHash): string =>
  `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(hash)}`;

/** undefined for what is no argon2id hash of version 1.3, or asks for more than we would ever give. */
export function parseHash(text: string): PasswordHash | undefined {
  const [, m, t, p, ...written] =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/.exec(
      text,
    ) ?? [];
  const [salt, hash] = written.map((part) => Buffer.from(part, 'base64'));
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  const isSane =
    cost.memory >= 8 * cost.parallelism &&
    cost.memory <= most.memory &&
    cost.passes >= 1 &&
    cost.passes <= most.passes &&
    cost.parallelism >= 1 &&
    cost.parallelism <= most.parallelism;
  return isSane && base64(salt) === written[0] && base64(hash) === written[1]
    ? { cost, salt, hash }
    : undefined;
}

/** node:crypto's argon2id, or a test that counts. */
export type Argon2 = (parameters: Argon2Parameters) => Promise<Uint8Array>;

export const nodeArgon2: Argon2 = (parameters) =>
  new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, hash) => (error ? reject(error) : resolve(hash)));
  });

export interface HasherOptions {
  readonly cost: HashCost;
  /** At once in this process. */
  readonly atOnce: number;
  /** More than these wait for nothing. */
  readonly waiting: number;
}

export class PasswordHasher {
  readonly cost: HashCost;
  readonly #argon2: Argon2;
  readonly #options: HasherOptions;
  readonly #randomBytes: (length: number) => Uint8Array;
  /** What is checked for names that nobody has: the answer is always no. */
  readonly #decoy: PasswordHash;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(
    options: HasherOptions,
    randomBytes: (length: number) => Uint8Array,
    argon2id: Argon2 = nodeArgon2,
  ) {
    this.cost = options.cost;
    this.#options = options;
    this.#randomBytes = randomBytes;
    this.#argon2 = argon2id;
    this.#decoy = { cost: options.cost, salt: randomBytes(saltLength), hash: randomBytes(hashLength) };
  }

  async hash(password: string): Promise<string> {
    const salt = this.#randomBytes(saltLength);
    const hash = await this.#run(password, this.cost, salt, hashLength);
    return printHash({ cost: this.cost, salt, hash });
  }

  /** `stored` undefined: nobody has that name, and the work is done all the same. */
  async isRight(password: string, stored: PasswordHash | undefined): Promise<boolean> {
    const { cost, salt, hash } = stored ?? this.#decoy;
    const found = await this.#run(password, cost, salt, hash.length);
    return timingSafeEqual(found, hash) && stored !== undefined;
  }

  /** Whether a hash was made with another cost than is wanted now, and is to be made anew when the password is known. */
  isDated({ cost }: PasswordHash): boolean {
    const now = this.cost;
    return cost.memory !== now.memory || cost.passes !== now.passes || cost.parallelism !== now.parallelism;
  }

  async #run(password: string, cost: HashCost, salt: Uint8Array, tagLength: number): Promise<Uint8Array> {
    await this.#turn();
    try {
      const { memory, passes, parallelism } = cost;
      return await this.#argon2({ message: password, nonce: salt, memory, passes, parallelism, tagLength });
    } finally {
      const next = this.#waiting.shift();
      // The turn goes to who waits longest; nobody comes in between.
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < this.#options.atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= this.#options.waiting)
      throw new VerifierAway(`${this.#waiting.length} passwords wait to be checked already`);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
