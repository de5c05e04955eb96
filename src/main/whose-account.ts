/**
 * main/whose-account - the account that somebody who signed in reads: one there is, or a new one for a person whose
 * home, as mail for them is routed, is here.
 */
import { type Address, parseAddress } from '../mail/address.ts';
import type { Client } from '../mail/envelope.ts';
import type { Account } from '../mail/mailbox.ts';
import { copiesOf } from '../mail/route.ts';
import type { Login } from '../ports/authenticator.ts';
import type { Base } from './base.ts';
import type { Hosting } from './hosting.ts';

/** For the directory's and the rules' answer, milliseconds. */
const answerWithin = 20_000;
const here: Client = { listener: '', protocol: 'local', ip: '127.0.0.1', mayRelay: true };

/** Undefined: no mail is kept here for them, or their account is switched off. */
export const accountsOf =
  (base: Base, { accounts }: Pick<Hosting, 'accounts'>) =>
  async ({ account: name }: Login): Promise<Account | undefined> => {
    const account = (await accounts.byName(name)) ?? (await newcomer(base, accounts, name));
    return account?.disabled === true ? undefined : account;
  };

async function newcomer(
  base: Base,
  accounts: Hosting['accounts'],
  name: string,
): Promise<Account | undefined> {
  const address = parseAddress(name);
  if (address === undefined) return undefined;
  const signal = AbortSignal.timeout(answerWithin);
  const [lookup] = await base.directory.lookup([address], { groups: false }, signal);
  if (lookup?.found !== 'one' || lookup.by !== 'exact') return undefined;
  if (!(await isHome(base, address, signal))) return undefined;
  return accounts.forEntry(lookup.entry.id, name);
}

/** Mail for this address is delivered into the store here. */
async function isHome(base: Base, recipient: Address, signal: AbortSignal): Promise<boolean> {
  const decision = await base.routing.route({ recipient, sender: null, client: here }, signal);
  const { sites } = base.settings().config;
  return copiesOf(decision).some(
    ({ nextHop, purpose }) =>
      purpose === 'delivery' &&
      nextHop.kind === 'site' &&
      sites[nextHop.site]?.nextHops.some(({ protocol }) => protocol === 'local'),
  );
}
