/**
 * ports/senders - which addresses somebody who signed in may send as. Implemented by src/directory.
 */
import type { Address } from '../mail/address.ts';

export interface Senders {
  /**
   * own: an address of the account itself. delegated: of another entry, which lets the account send for it.
   * Throws MailError when it cannot be told now.
   */
  mayUse(account: string, address: Address, signal: AbortSignal): Promise<'own' | 'delegated' | undefined>;
}
