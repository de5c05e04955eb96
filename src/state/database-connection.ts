/**
 * state/database-connection - how one connection to PostgreSQL is set up: its limits, its keep-alive, its types.
 */
import pg from 'pg';

export interface ConnectionOptions {
  /**
   * `postgresql://…` of the server itself: a pooler that hands sessions around would break locks and LISTEN.
   * TLS by `sslmode` in it; certificates are verified unless that is `no-verify`.
   */
  readonly url: string;
  /** The server cuts a statement off after so long. */
  readonly statementTimeoutMs: number;
  /** Longest wait for a connection, a new one or one of the pool. */
  readonly connectTimeoutMs: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

/** The server tells of a cut-off itself; when it says nothing for this much longer the connection is dead, milliseconds. */
const answerSlack = 5_000;

/**
 * A host that vanished frees its locks and transactions after about a minute. A transaction that its owner forgot ends
 * after five.
 */
const sessionSettings = [
  'tcp_keepalives_idle=30',
  'tcp_keepalives_interval=10',
  'tcp_keepalives_count=3',
  'client_connection_check_interval=10s',
  'idle_in_transaction_session_timeout=300s',
  'timezone=UTC',
];

export function connectionConfig(options: ConnectionOptions): pg.ClientConfig {
  // Options in the URL would replace ours instead of adding to them.
  const asked = /[?&]options=([^&#]*)/.exec(options.url)?.[1];
  const settings = sessionSettings.map((setting) => `-c ${setting}`).join(' ');
  return {
    connectionString: options.url.replace(/([?&])options=[^&#]*&?/, '$1'),
    application_name: options.applicationName,
    options: asked ? `${settings} ${decodeURIComponent(asked)}` : settings,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + answerSlack,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  };
}

const oid = { int8: 20, int8Array: 1016, date: 1082 } as const;

const asNumbers = (text: string): (number | null)[] =>
  text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((each) => (each === 'NULL' ? null : Number(each)));

const own = new Map<number, (text: string) => unknown>([
  [oid.int8, Number],
  [oid.int8Array, asNumbers],
  // A day has no instant: making a Date of it would need a time zone.
  [oid.date, (text) => text],
]);

const types = {
  getTypeParser: ((id: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && own.get(id)) || pg.types.getTypeParser(id, format as 'text')) as never,
};
