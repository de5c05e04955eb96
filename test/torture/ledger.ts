/**
 * torture/ledger - what was promised, what came, and whether the one accounts for the other.
 *
 * A promise is a `250` for the end of data. It must be kept for each of its recipients at least once. A second copy
 * is explained only by the instant at which the peer answered for an earlier one (RFC 5321 §4.5.4.1 prefers a
 * duplicate to a loss), in one of two ways, counted apart:
 *
 *   at the answer            who carried it was killed before the answer can have been written down
 *   answer not written down  the database was killed then, and who carried it, too, before the database was back
 *
 * The death of the database alone explains nothing: who carried it knows, and waits. In place of who carried it, the
 * keeper may be killed, who restarts the database, and without whom the carriers end. Without a promise a message may
 * come or not; but nothing may come that was never handed in.
 */
export interface Promised {
  readonly messageId: string;
  /** From the reply: `queued as ID`. */
  readonly queueId: string;
  readonly recipients: readonly string[];
  /** When it was begun to be handed in, and when it was promised; milliseconds since the epoch. */
  readonly begun?: number;
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
  /** When all that it killed had ended: on a busy machine that is long after the signal. */
  readonly until?: number;
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
  /** Kinds of processes that carry mail to peers; when left out, any may be one, the database too. */
  readonly carriers?: readonly string[];
  /** The kind of process that restarts the database and the carriers. */
  readonly keeper?: string;
}

/**
 * How long the instant is. Before: what a dead process left in its socket is answered all the same. After: an outcome
 * is committed within milliseconds; but on two cores with much else to do a process was seen to stand still for 230 ms
 * with the answer in its socket. The same again once the database is back.
 */
export const instant = { before: 50, after: 500 } as const;

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
  /** What came more than once; each copy but the last has its reason. */
  readonly repeated: readonly Repeated[];
  readonly unexplained: readonly Repeated[];
  /** Came, but was never handed in. */
  readonly strangers: readonly string[];
  /** Came without a promise: the client was cut off before the answer. */
  readonly unpromised: number;
}

export interface Repeated {
  readonly messageId: string;
  readonly recipient: string;
  readonly times: readonly number[];
  readonly reasons: readonly Reason[];
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
  const repeated = [...times]
    .filter(([, all]) => all.length > 1)
    .map(([both, all]) => {
      const [messageId = '', recipient = ''] = both.split(' ');
      return { messageId, recipient, times: all, reasons: reasonsOf(all, books) };
    });
  const reasons = repeated.flatMap((one) => one.reasons);
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
    repeated,
    unexplained: repeated.filter((one) => one.reasons.includes('unexplained')),
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

function reasonBetween(answered: number, next: number, { kills, promised, closeTo }: Books): Reason {
  const { before, after, carriers, keeper } = closeTo;
  const carried = ({ kind }: Kill) => carriers === undefined || carriers.includes(kind);
  const within = (from: number, to: number) =>
    kills.filter(({ at, until = at }) => until >= from && at <= Math.min(to, next));
  const close = within(answered - before, answered + after);
  if (close.some(carried)) return 'at the answer';
  const lost = close.some(({ at, kind }) => {
    if (!kind.startsWith('database')) return false;
    return within(at, backAfter(at, promised) + after).some((one) => carried(one) || one.kind === keeper);
  });
  return lost ? 'answer not written down' : 'unexplained';
}

/** When the database was there again after its kill at `at`: the first promise of what was begun later. */
const backAfter = (at: number, promised: readonly Promised[]): number =>
  promised.reduce(
    (first, one) => ((one.begun ?? one.at) > at ? Math.min(first, one.at) : first),
    Number.POSITIVE_INFINITY,
  );

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
    ...[...account.unexplained, ...account.repeated.filter((one) => !account.unexplained.includes(one))]
      .slice(0, 20)
      .map((one) => `  ${one.messageId} to ${one.recipient}: ${story(one, kills)}`),
    `unpromised   ${account.unpromised} messages came though their client was cut off before the answer`,
    `strangers    ${account.strangers.length}`,
    ...account.strangers.slice(0, 20).map((id) => `  ${id}`),
  ].join('\n');
}

/** What happened around the copies of one message, in order: `kill of queue, 12 ms, answered, …`. */
function story({ times, reasons }: Repeated, kills: readonly Kill[]): string {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const events = [
    ...times.map((at) => ({ at, what: 'answered' })),
    ...kills
      .filter(({ at }) => at > first - 5_000 && at < last)
      .map(({ at, kind }) => ({ at, what: `kill of ${kind}` })),
  ].sort((a, b) => a.at - b.at);
  const told = events
    .map(({ at, what }, index) => (index === 0 ? what : `${at - (events[index - 1]?.at ?? at)} ms, ${what}`))
    .join(', ');
  return `${told} (${reasons.join(', ')})`;
}
