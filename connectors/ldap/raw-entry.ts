/**
 * ldap/raw-entry - an object as LDAP or LDIF gives it, before it is mapped to our words.
 */

export type RawValue = string | Uint8Array;

type Attribute = readonly [name: string, values: readonly RawValue[]];

export class RawEntry {
  readonly dn: string;
  /** By attribute name in lower case, without options such as `;binary`. */
  readonly attributes: ReadonlyMap<string, readonly RawValue[]>;
  /** Names as the server spelt them, options and all. */
  readonly names: readonly string[];

  constructor(dn: string, attributes: readonly Attribute[]) {
    const map = new Map<string, readonly RawValue[]>();
    for (const [name, values] of attributes) {
      const key = (name.split(';', 1)[0] ?? '').toLowerCase();
      const known = map.get(key);
      map.set(key, known ? [...known, ...values] : values);
    }
    this.dn = dn;
    this.attributes = map;
    this.names = attributes.map(([name]) => name);
  }

  /** The same object with more values. */
  and(more: readonly Attribute[]): RawEntry {
    return new RawEntry(this.dn, [...this.attributes, ...more]);
  }

  /** Values as text. What is not UTF-8 is shown with replacement characters, and will not pass as an address. */
  all(name: string): readonly string[] {
    const values = this.attributes.get(name.toLowerCase()) ?? [];
    return values.map((value) => (typeof value === 'string' ? value : Buffer.from(value).toString('utf8')));
  }

  /** Values of several attributes, in the order of the names. */
  allOf(names: readonly string[]): readonly string[] {
    return names.flatMap((name) => this.all(name));
  }

  /** The first value of the first of `names` that has one. */
  first(names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.all(name)[0];
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  }

  octets(name: string): Uint8Array | undefined {
    const value = this.attributes.get(name.toLowerCase())?.[0];
    return typeof value === 'string' ? Buffer.from(value) : value;
  }

  /** LDAP's TRUE (RFC 4517 §3.3.3), and what people write in files. */
  flag(names: readonly string[]): boolean {
    return /^(?:true|yes|1)$/i.test(this.first(names) ?? '');
  }

  has(name: string): boolean {
    return (this.attributes.get(name.toLowerCase())?.length ?? 0) > 0;
  }

  isA(classes: readonly string[]): boolean {
    const mine = new Set(this.all('objectclass').map((value) => value.toLowerCase()));
    return classes.some((name) => mine.has(name.toLowerCase()));
  }
}
