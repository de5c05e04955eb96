/**
 * ldap/timestamp - changes by modifyTimestamp, for OpenLDAP and its kin.
 *
 * The cursor is a moment of the server's clock. Time stamps have whole seconds,
 * clocks differ, and replicas lag, so the search begins again `margin` before the
 * read that made the cursor: changes are told again, none is missed. Deletions leave
 * no trace there: they are found by the list of ids.
 *
 * A renamed container renames all below it, without a new time stamp on them: when
 * one has changed that is not new, everything is read again.
 */
import { CursorExpired, type SourceChange } from '../../src/ports/directory.ts';
import type { ChangeFinder, CursorMaker, Reading } from './ldap-source.ts';
import { withAllValues } from './range.ts';

/** Milliseconds by which clocks may differ and replicas lag. */
const margin = 300_000;

/** RFC 4517 §3.3.13, whole seconds, UTC: `20261123101500Z`. */
const generalizedTime = (date: Date): string => `${date.toISOString().replace(/[-:T]|\..*$/g, '')}Z`;

const containers =
  '(|(objectClass=organizationalUnit)(objectClass=organization)(objectClass=container)(objectClass=domain)(objectClass=locality))';

export function timestampChanges(): ChangeFinder {
  return {
    attributes: ['modifyTimestamp'],
    tellsDeletions: false,
    begin: async ({ now }) => newestBut(now()),
    changes,
  };
}

/** The newest time seen, but not later than `margin` before the read began. */
function newestBut(began: Date, atLeast?: string): CursorMaker {
  const latest = generalizedTime(new Date(began.getTime() - margin));
  let newest = atLeast ?? '';
  return {
    saw: (time) => {
      const seconds = time?.replace(/\..*$/, 'Z');
      if (seconds !== undefined && /^\d{14}Z$/.test(seconds) && seconds > newest) newest = seconds;
    },
    state: () => (newest === '' || newest > latest ? latest : newest),
  };
}

async function* changes(reading: Reading, state: unknown): AsyncGenerator<SourceChange, CursorMaker> {
  if (typeof state !== 'string' || !/^\d{14}Z$/.test(state))
    throw new CursorExpired('the cursor is of another kind');
  const { connection, bases, filter, attributes, mapping } = reading;
  const cursor = newestBut(reading.now(), state);
  for (const base of bases) {
    const moved = `(&${containers}(modifyTimestamp>=${state})(!(createTimestamp>=${state})))`;
    for await (const container of connection.search({ base, filter: moved, attributes: ['1.1'] })) {
      throw new CursorExpired(`${container.dn} has changed, and with it maybe the names of all below it`);
    }
    const search = { base, filter: `(&${filter}(modifyTimestamp>=${state}))`, attributes };
    for await (const raw of connection.search(search)) {
      cursor.saw?.(raw.first(['modifyTimestamp']));
      yield { change: 'upsert', entry: mapping.entry(await withAllValues(connection, raw)) };
    }
    const left = { base, filter: `(&(!${filter})(modifyTimestamp>=${state}))`, attributes: mapping.names.id };
    for await (const raw of connection.search(left)) yield { change: 'delete', id: mapping.id(raw) };
  }
  return cursor;
}
