/**
 * torture/ledger - what was promised, what came, and whether the one accounts for the other.
 *
 * A promise is a `250` for the end of data. It must be kept for each of its recipients at least once. A second copy
 * is explained only by a kill close to the instant at which the peer answered for an earlier one: the system cannot
 * know then whether the answer was given (RFC 5321 §4.5.4.1 prefers a duplicate to a loss). Without a promise a
 * message may come or not; but nothing may come that was never handed in.
 */
export interface Promised {
  readonly messageId: string;
  /** From the reply: `queued as ID`. */
  readonly queueId: string;
  readonly recipients: readonly string[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Came {
  readonly messageId: string;
  readonly recipient: string;
  /** When the peer answered for it. */
  readonly at: number;
}

export interface Kill {
  readonly at: number;
  readonly kind: string;
  readonly pid: number;
}

export interface Books {
  /** Message ids of everything that was handed in, answered or not. */
  readonly attempted: ReadonlySet<string>;
  readonly promised: readonly Promised[];
  readonly came: readonly Came[];
  readonly kills: readonly Kill[];
  /** How close to a peer's answer a kill explains a duplicate, milliseconds on each side. */
  readonly closeTo: { readonly before: number; readonly after: number };
}

export interface Account {
  readonly promises: number;
  /** Recipients of promises. */
  readonly owed: number;
  readonly kept: number;
  readonly lost: readonly {
    readonly messageId: string;
    readonly queueId: string;
    readonly recipient: string;
  }[];
  readonly duplicates: number;
  readonly unexplained: readonly {
    readonly messageId: string;
    readonly recipient: string;
    readonly times: readonly number[];
  }[];
  /** Came, but was never handed in. */
  readonly strangers: readonly string[];
  /** Came without a promise: the client was cut off before the answer. */
  readonly unpromised: number;
}

const key = (messageId: string, recipient: string): string => `${messageId} ${recipient}`;

export function balance(books: Books): Account {
  const times = new Map<string, number[]>();
  for (const { messageId, recipient, at } of books.came) {
    const known = times.get(key(messageId, recipient));
    if (known) known.push(at);
    else times.set(key(messageId, recipient), [at]);
  }
  const owed = books.promised.flatMap(({ messageId, queueId, recipients }) =>
    recipients.map((recipient) => ({ messageId, queueId, recipient })),
  );
  const lost = owed.filter(({ messageId, recipient }) => !times.has(key(messageId, recipient)));
  const kills = books.kills.map(({ at }) => at).sort((a, b) => a - b);
  const promisedIds = new Set(books.promised.map(({ messageId }) => messageId));
  const repeated = [...times].filter(([, all]) => all.length > 1);
  return {
    promises: books.promised.length,
    owed: owed.length,
    kept: owed.length - lost.length,
    lost,
    duplicates: repeated.reduce((sum, [, all]) => sum + all.length - 1, 0),
    unexplained: repeated
      .filter(
        ([, all]) =>
          !all
            .sort((a, b) => a - b)
            .slice(0, -1)
            .every((at) => isExplained(at, kills, books.closeTo)),
      )
      .map(([both, all]) => {
        const [messageId = '', recipient = ''] = both.split(' ');
        return { messageId, recipient, times: all };
      }),
    strangers: [...new Set(books.came.map(({ messageId }) => messageId))].filter(
      (id) => !books.attempted.has(id),
    ),
    unpromised: new Set(books.came.map(({ messageId }) => messageId).filter((id) => !promisedIds.has(id)))
      .size,
  };
}

/** Each copy but the last must have been answered close to a kill: that is why there was another. */
function isExplained(at: number, kills: readonly number[], closeTo: Books['closeTo']): boolean {
  return kills.some((kill) => kill >= at - closeTo.before && kill <= at + closeTo.after);
}

export const isSound = (account: Account): boolean =>
  account.promises > 0 &&
  account.lost.length === 0 &&
  account.unexplained.length === 0 &&
  account.strangers.length === 0;

/** For people. Times of copies are given relative to the nearest kill, which is what one looks for. */
export function printAccount(account: Account, kills: readonly Kill[]): string {
  const kinds = Object.entries(Object.groupBy(kills, ({ kind }) => kind)).map(
    ([kind, all]) => `${kind} ${all?.length ?? 0}`,
  );
  const near = (at: number) => {
    const [nearest] = kills.toSorted((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at));
    return nearest === undefined ? `${at}` : `${at - nearest.at} ms from the kill of ${nearest.kind}`;
  };
  return [
    `kills        ${kills.length} (${kinds.join(', ')})`,
    `promises     ${account.promises} messages, ${account.owed} recipients`,
    `kept         ${account.kept}`,
    `lost         ${account.lost.length}`,
    ...account.lost.slice(0, 20).map((one) => `  ${one.queueId} ${one.messageId} to ${one.recipient}`),
    `duplicates   ${account.duplicates}, unexplained ${account.unexplained.length}`,
    ...account.unexplained
      .slice(0, 20)
      .map((one) => `  ${one.messageId} to ${one.recipient}: ${one.times.map(near).join('; ')}`),
    `unpromised   ${account.unpromised} messages came though their client was cut off before the answer`,
    `strangers    ${account.strangers.length}`,
    ...account.strangers.slice(0, 20).map((id) => `  ${id}`),
  ].join('\n');
}
