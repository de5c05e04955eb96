/**
 * torture/ledger - what was promised, what came, and whether the one accounts for the other.
 *
 * A promise is a `250` for the end of data. It must be kept for each of its recipients at least once. A second copy
 * is explained by a kill close to the instant at which the peer answered for an earlier one: the system cannot know
 * then whether the answer was given (RFC 5321 §4.5.4.1 prefers a duplicate to a loss). Or by two kills: the database
 * was away when the peer answered, so that the answer could not be written down, and then a process that may have
 * been the only one to know of it was killed too. The two are counted apart. Without a promise a message may come or
 * not; but nothing may come that was never handed in.
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
  readonly closeTo: CloseTo;
}

/** How close to a peer's answer a kill explains a duplicate, milliseconds. */
export interface CloseTo {
  readonly before: number;
  readonly after: number;
  /** For so long after one of its processes was killed the database may be away; not at all when left out. */
  readonly databaseAway?: number;
}

/** Why there was one more copy. */
type Reason = 'at the answer' | 'answer not written down' | 'unexplained';

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
  /** Copies too many. */
  readonly duplicates: number;
  readonly reasons: Readonly<Record<Reason, number>>;
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
  const promisedIds = new Set(books.promised.map(({ messageId }) => messageId));
  const repeated = [...times].filter(([, all]) => all.length > 1);
  const reasons = repeated.flatMap(([, all]) => reasonsOf(all, books));
  return {
    promises: books.promised.length,
    owed: owed.length,
    kept: owed.length - lost.length,
    lost,
    duplicates: reasons.length,
    reasons: {
      'at the answer': reasons.filter((reason) => reason === 'at the answer').length,
      'answer not written down': reasons.filter((reason) => reason === 'answer not written down').length,
      unexplained: reasons.filter((reason) => reason === 'unexplained').length,
    },
    unexplained: repeated
      .filter(([, all]) => reasonsOf(all, books).includes('unexplained'))
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

/** For each copy but the last: why there was another one after it. */
function reasonsOf(times: readonly number[], books: Books): readonly Reason[] {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.slice(1).map((next, index) => reasonBetween(sorted[index] ?? next, next, books));
}

function reasonBetween(answered: number, next: number, { kills, closeTo }: Books): Reason {
  const within = (from: number, to: number, which: (kind: string) => boolean = () => true) =>
    kills.some(({ at, kind }) => at >= from && at <= to && which(kind));
  if (within(answered - closeTo.before, Math.min(next, answered + closeTo.after))) return 'at the answer';
  const isDatabase = (kind: string) => kind.startsWith('database');
  const away = within(answered - (closeTo.databaseAway ?? 0), answered, isDatabase);
  return away && within(answered, next, (kind) => !isDatabase(kind))
    ? 'answer not written down'
    : 'unexplained';
}

export const isSound = (account: Account): boolean =>
  account.promises > 0 &&
  account.lost.length === 0 &&
  account.unexplained.length === 0 &&
  account.strangers.length === 0;

/** For people. */
export function printAccount(account: Account, kills: readonly Kill[]): string {
  const kinds = Object.entries(Object.groupBy(kills, ({ kind }) => kind)).map(
    ([kind, all]) => `${kind} ${all?.length ?? 0}`,
  );
  return [
    `kills        ${kills.length} (${kinds.join(', ')})`,
    `promises     ${account.promises} messages, ${account.owed} recipients`,
    `kept         ${account.kept}`,
    `lost         ${account.lost.length}`,
    ...account.lost.slice(0, 20).map((one) => `  ${one.queueId} ${one.messageId} to ${one.recipient}`),
    `duplicates   ${account.duplicates}: ${Object.entries(account.reasons)
      .map(([reason, count]) => `${count} ${reason}`)
      .join(', ')}`,
    ...account.unexplained
      .slice(0, 20)
      .map((one) => `  ${one.messageId} to ${one.recipient}: ${story(one.times, kills)}`),
    `unpromised   ${account.unpromised} messages came though their client was cut off before the answer`,
    `strangers    ${account.strangers.length}`,
    ...account.strangers.slice(0, 20).map((id) => `  ${id}`),
  ].join('\n');
}

/** What happened around the copies of one message, in order: `kill of queue, 12 ms, answered, …`. */
function story(times: readonly number[], kills: readonly Kill[]): string {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const events = [
    ...times.map((at) => ({ at, what: 'answered' })),
    ...kills
      .filter(({ at }) => at > first - 5_000 && at < last)
      .map(({ at, kind }) => ({ at, what: `kill of ${kind}` })),
  ].sort((a, b) => a.at - b.at);
  return events
    .map(({ at, what }, index) => (index === 0 ? what : `${at - (events[index - 1]?.at ?? at)} ms, ${what}`))
    .join(', ');
}
