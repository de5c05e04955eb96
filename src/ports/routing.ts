/**
 * ports/routing - the question asked of src/route at RCPT, after DATA, and before each delivery attempt.
 */
import type { Address } from '../mail/address.ts';
import type { HeaderFields } from '../mail/content.ts';
import type { Client } from '../mail/envelope.ts';
import type { Decision } from '../mail/route.ts';

export interface Question {
  readonly recipient: Address;
  readonly sender: Address | null;
  readonly client: Client;
  /** Octets; undefined while unknown (before DATA and without SIZE). */
  readonly size?: number;
  /** undefined before DATA. Only the fields that Routing.headerNames asks for need be there. */
  readonly headers?: HeaderFields;
  /** Sites that our own trace fields say it passed, for loop detection; undefined before DATA. */
  readonly sitesSeen?: readonly string[];
  /** The envelope recipient is a member of these groups' expansion (ids): a group among them is not expanded again. */
  readonly expandedFrom?: readonly string[];
}

export interface Routing {
  /**
   * What to do with one recipient. At RCPT (`headers` undefined) a rule whose conditions need what is not yet known
   * neither matches nor fails: the answer is then what is certain, and `deliver` means only "nothing forbids it so far".
   * Throws DirectoryUnready or DatabaseAway when it cannot be decided now.
   */
  route(question: Question, signal: AbortSignal): Promise<Decision>;

  /** Many at once, one directory round trip. */
  routeAll(questions: readonly Question[], signal: AbortSignal): Promise<readonly Decision[]>;

  /** Lower-case names of header fields that some rule looks at. */
  readonly headerNames: readonly string[];
}
