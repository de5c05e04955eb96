/**
 * ldap/range - all values of an attribute of which Active Directory gives only the first 1500.
 *
 * It says so by the name: `member;range=0-1499`. The rest is read from the object
 * itself, until the name ends in `-*` ([MS-ADTS] 3.1.1.3.1.3.3). Each part must go on behind the one before, and
 * all of them together are bounded.
 */
import type { LdapConnection } from './connection.ts';
import type { RawEntry, RawValue } from './raw-entry.ts';

/** They are in memory together. */
const mostValues = 2_000_000;

const ranged = /^(.+);range=(\d+)-(\d+|\*)$/i;

/** `raw` itself when nothing is missing. */
export async function withAllValues(connection: LdapConnection, raw: RawEntry): Promise<RawEntry> {
  const cut = raw.names.map((name) => ranged.exec(name)).filter((match) => match !== null);
  const open = cut.filter(([, , , to]) => to !== '*');
  if (open.length === 0) return raw;
  const more: (readonly [string, readonly RawValue[]])[] = [];
  for (const [, attribute = '', , to = ''] of open) {
    more.push([attribute, await rest(connection, raw.dn, attribute, Number(to) + 1)]);
  }
  return raw.and(more);
}

async function rest(
  connection: LdapConnection,
  dn: string,
  attribute: string,
  from: number,
): Promise<readonly RawValue[]> {
  const values: RawValue[] = [];
  for (let next = from; ; ) {
    const part = await connection.read(dn, [`${attribute};range=${next}-*`]);
    const match = part?.names
      .map((name) => ranged.exec(name))
      .find((found) => found?.[1]?.toLowerCase() === attribute.toLowerCase());
    if (!part || !match) return values;
    values.push(...(part.attributes.get(attribute.toLowerCase()) ?? []));
    if (match[3] === '*') return values;
    if (Number(match[3]) < next || values.length > mostValues) {
      throw new Error(
        `${dn}: the values of ${attribute} have no end (${part.names.join(', ').slice(0, 200)})`,
      );
    }
    next = Number(match[3]) + 1;
  }
}
