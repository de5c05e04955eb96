/**
 * main/live-directory - the Directory of a process over a reload: when `directory` in the configuration changes, the
 * questions that come next are asked by the new settings, with an empty cache, and of every source that is new it is
 * found out again whether it was read yet: nobody is told to be unknown before.
 */
import { isDeepStrictEqual } from 'node:util';
import { type DirectoryOptions, PgDirectory } from '../directory/pg-directory.ts';
import type { Address } from '../mail/address.ts';
import type { Database } from '../ports/database.ts';
import type { Directory } from '../ports/directory.ts';

export class LiveDirectory implements Directory, AsyncDisposable {
  readonly #database: Database;
  readonly #now: () => Date;
  #options: DirectoryOptions;
  #current: PgDirectory;

  private constructor(database: Database, now: () => Date, options: DirectoryOptions, current: PgDirectory) {
    this.#database = database;
    this.#now = now;
    this.#options = options;
    this.#current = current;
  }

  static async open(database: Database, options: DirectoryOptions, now: () => Date): Promise<LiveDirectory> {
    return new LiveDirectory(database, now, options, await PgDirectory.open(database, options, now));
  }

  /** Rejects, and goes on as before, when the database is away. */
  async take(options: DirectoryOptions): Promise<void> {
    if (isDeepStrictEqual(options, this.#options)) return;
    const before = this.#current;
    this.#current = await PgDirectory.open(this.#database, options, this.#now);
    this.#options = options;
    await before[Symbol.asyncDispose]();
  }

  forget(entryId: string): void {
    this.#current.forget(entryId);
  }

  lookup(addresses: readonly Address[], options: { readonly groups: boolean }, signal: AbortSignal) {
    return this.#current.lookup(addresses, options, signal);
  }

  entry(id: string, signal: AbortSignal) {
    return this.#current.entry(id, signal);
  }

  members(groupId: string, signal: AbortSignal) {
    return this.#current.members(groupId, signal);
  }

  health(signal: AbortSignal) {
    return this.#current.health(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#current[Symbol.asyncDispose]();
  }
}
