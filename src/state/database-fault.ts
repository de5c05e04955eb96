/**
 * state/database-fault - whatever `pg` threw, in the words of ports/database.
 *
 * Errors that are about one statement (a broken constraint, a mistake in the SQL) pass as they are, with PostgreSQL's
 * SQLSTATE in `code`.
 */
import { DatabaseAway, DatabaseFull } from '../ports/database.ts';

/** SQLSTATEs and classes (PostgreSQL manual, appendix A) after which the same call may succeed. */
const passing = [
  '08', // connection exceptions
  '40', // serialization failure, deadlock: rolled back
  '53', // insufficient resources; 53100 is taken out before
  '57', // shutdown, crash, starting, statement timeout
  '25P03', // idle_in_transaction_session_timeout
  '58', // system errors: I/O
];

const network = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
]);

/** `pg` has no codes for its own faults. */
const words =
  /Connection terminated|timeout expired|timeout exceeded|Query read timeout|is not queryable|Client has already been|after calling end|server does not support SSL/i;

/** The server says these in errors of class XX and 58 when a file operation fails. */
const full = /No space left on device|Disk quota exceeded|Read-only file system/i;

export function asDatabaseError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof DatabaseAway || thrown instanceof DatabaseFull)
    return thrown;
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    const first = asDatabaseError(thrown.errors[0]);
    return first instanceof DatabaseAway ? first : thrown;
  }
  const code = (thrown as { code?: unknown }).code;
  const sqlState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  if (sqlState === '53100' || sqlState === '25006' || full.test(thrown.message))
    return new DatabaseFull(`the database cannot be written: ${thrown.message}`, { cause: thrown });
  const away =
    sqlState !== undefined && !network.has(sqlState)
      ? passing.some((start) => sqlState.startsWith(start))
      : (typeof code === 'string' && network.has(code)) || words.test(thrown.message);
  return away ? new DatabaseAway(`the database is away: ${thrown.message}`, { cause: thrown }) : thrown;
}
