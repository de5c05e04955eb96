/**
 * queue/postgres-array - values for `$n::text[]` and its like, in PostgreSQL's binary form.
 *
 * A batch of messages goes to the database as a handful of arrays. Written as text, every octet of a body would
 * become four (hex, then escapes); written so, it stays one. The form is that of array_send() in PostgreSQL's
 * arrayfuncs.c: dimensions, null flag, element type, length and lower bound, then each element with its length.
 */

const header = 20;
const nothing = -1;
/** PostgreSQL counts microseconds from 2000-01-01. */
const postgresEpoch = 946_684_800_000;

const oid = { bool: 16, bytea: 17, int8: 20, int4: 23, text: 25, timestamptz: 1184 } as const;

function build<T>(
  type: number,
  values: readonly (T | undefined)[],
  sizeOf: (value: T) => number,
  write: (value: T, into: Buffer, at: number, size: number) => void,
): Buffer {
  const sizes = values.map((value) => (value === undefined ? nothing : sizeOf(value)));
  const total = sizes.reduce((sum, size) => sum + 4 + Math.max(size, 0), header);
  const into = Buffer.allocUnsafe(total);
  into.writeInt32BE(1, 0);
  into.writeInt32BE(sizes.includes(nothing) ? 1 : 0, 4);
  into.writeInt32BE(type, 8);
  into.writeInt32BE(values.length, 12);
  into.writeInt32BE(1, 16);
  let at = header;
  values.forEach((value, index) => {
    const size = sizes[index] ?? nothing;
    into.writeInt32BE(size, at);
    at += 4;
    if (value === undefined) return;
    write(value, into, at, size);
    at += size;
  });
  return into;
}

/** Text as PostgreSQL can hold it: no NUL, no lone surrogates. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd');

/** JSON as jsonb can hold it. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  return /\\u(?:0000|d[89a-f])/i.test(text)
    ? text.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\ufffd')
    : text;
}

export const textArray = (values: readonly (string | undefined)[]): Buffer =>
  build(
    oid.text,
    values.map((value) => (value === undefined ? undefined : storable(value))),
    (value) => Buffer.byteLength(value),
    (value, into, at, size) => into.write(value, at, size, 'utf8'),
  );

/** For `$n::text[]` whose elements are cast to jsonb. */
export const jsonArray = (values: readonly unknown[]): Buffer =>
  textArray(values.map((value) => (value === undefined ? undefined : storableJson(value))));

export const byteaArray = (values: readonly (Uint8Array | undefined)[]): Buffer =>
  build(
    oid.bytea,
    values,
    (value) => value.length,
    (value, into, at) => into.set(value, at),
  );

export const int4Array = (values: readonly (number | undefined)[]): Buffer =>
  build(
    oid.int4,
    values,
    () => 4,
    (value, into, at) => into.writeInt32BE(value, at),
  );

export const int8Array = (values: readonly (number | undefined)[]): Buffer =>
  build(
    oid.int8,
    values,
    () => 8,
    (value, into, at) => into.writeBigInt64BE(BigInt(value), at),
  );

export const boolArray = (values: readonly (boolean | undefined)[]): Buffer =>
  build(
    oid.bool,
    values,
    () => 1,
    (value, into, at) => into.writeUInt8(value ? 1 : 0, at),
  );

export const timeArray = (values: readonly (Date | undefined)[]): Buffer =>
  build(
    oid.timestamptz,
    values,
    () => 8,
    (value, into, at) =>
      into.writeBigInt64BE(BigInt(Math.round(value.getTime() - postgresEpoch)) * 1000n, at),
  );
