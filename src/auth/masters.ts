/**
 * auth/masters - administrators who may open the mail of others, as the configuration names them.
 */
import type { Service } from '../ports/authenticator.ts';
import { canonicalName } from './names.ts';
import type { Delegates } from './options.ts';

export interface Master {
  /** The name they sign in with. */
  readonly name: string;
  /** Empty: all. */
  readonly services: readonly Service[];
  /** Domains of the accounts they may open; empty: all accounts. */
  readonly domains: readonly string[];
}

export class Masters implements Delegates {
  readonly #masters: ReadonlyMap<string, Master>;
  readonly #others: Delegates | undefined;

  /** `others`: who else may, by rights that people have given each other. */
  constructor(masters: readonly Master[], defaultDomain: string | undefined, others?: Delegates) {
    this.#masters = new Map(
      masters.map((master) => [canonicalName(master.name, defaultDomain) ?? master.name, master]),
    );
    this.#others = others;
  }

  async mayOpen(who: string, account: string, service: Service, signal: AbortSignal): Promise<boolean> {
    const master = this.#masters.get(who);
    if (master !== undefined && isWithin(master, account, service)) return true;
    return (await this.#others?.mayOpen(who, account, service, signal)) ?? false;
  }
}

const isWithin = ({ services, domains }: Master, account: string, service: Service): boolean =>
  (services.length === 0 || services.includes(service)) &&
  (domains.length === 0 || domains.includes(account.slice(account.lastIndexOf('@') + 1)));
