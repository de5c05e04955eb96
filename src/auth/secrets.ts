/**
 * auth/secrets - random octets that all nodes of an installation share, made by whoever asks first.
 */
import type { Database } from '../ports/database.ts';

const length = 32;

export async function sharedSecret(
  database: Database,
  name: string,
  randomBytes: (length: number) => Uint8Array,
): Promise<Uint8Array> {
  await database.query(
    'insert into auth_secret (name, value) values ($1, $2) on conflict (name) do nothing',
    [name, Buffer.from(randomBytes(length))],
  );
  const [row] = await database.query<{ value: Buffer }>('select value from auth_secret where name = $1', [
    name,
  ]);
  if (row === undefined)
    throw new Error(`the secret ${name} is not in auth_secret: somebody deletes from it`);
  return row.value;
}
