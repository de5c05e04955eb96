/**
 * serve/error-facts - what the log says of an error.
 *
 * Message, causes and code always. The stack only of what we do not know: a database that is away, a full disk or a
 * peer that refuses are conditions of the world, and where in our program they were noticed helps nobody.
 */
import { pino } from 'pino';

const knownConditions: ReadonlySet<string> = new Set([
  'BlobMissing',
  'BlobStoreAway',
  'BlobStoreFull',
  'CannotStart',
  'ClaimInDoubt',
  'DatabaseAway',
  'DatabaseFull',
  'DirectoryUnready',
  'DnsError',
  'LdapUnreachable',
  'VerifierAway',
  'PeerFault',
  'PrivateServerError',
  'SchemaMismatch',
  'SuspiciousLoss',
]);

/** Longest chain of causes that is looked through. */
const deepest = 8;

/** `withStack`: of known conditions too. What is no error stays as it is. */
export function errorFacts(thrown: unknown, withStack: boolean): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { stack, ...facts } = pino.stdSerializers.err(thrown);
  const code = codeOf(thrown);
  return {
    ...facts,
    ...(code === undefined ? {} : { code }),
    ...(withStack || !isKnown(thrown) ? { stack } : {}),
  };
}

/** A MailError is what we say of its cause: behind it there may be a fault of ours. */
function isKnown(error: Error): boolean {
  let one: unknown = error;
  for (let depth = 0; depth < deepest && one instanceof Error; depth += 1) {
    if (knownConditions.has(one.name)) return true;
    if (one.name !== 'MailError') return false;
    if (one.cause === undefined) return true;
    one = one.cause;
  }
  return false;
}

/** `ECONNREFUSED`, `57P03`: the first one among the error and its causes. */
function codeOf(error: Error): string | undefined {
  let one: unknown = error;
  for (let depth = 0; depth < deepest && one instanceof Error; depth += 1) {
    const { code } = one as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
    one = one.cause;
  }
  return undefined;
}
