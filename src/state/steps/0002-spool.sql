-- The spool and the trace (src/adr/0003-spool.md). Identifiers are ASCII and compared octet by octet: collate "C".

-- One row. Its id parts our bodies from those of other installations in one folder or bucket: each sweeps its own only.
create table installation (id text collate "C" primary key);
insert into installation values (gen_random_uuid()::text);

create sequence worker_id as integer cycle;

-- Who may hold claims. A worker holds the advisory lock of its id for as long as it lives; one whose lock is free
-- for two sweeps is dead, and its claims are freed.
create table worker (
  id integer primary key,
  node text not null,
  started_at timestamptz not null default clock_timestamp(),
  missed_at timestamptz
);

create table message (
  id text collate "C" primary key,
  -- '' is the null reverse-path.
  sender text not null,
  message_id text,
  size bigint not null,
  received_at timestamptz not null,
  expires_at timestamptz not null,
  -- { transaction, client, content }
  facts jsonb not null,
  trace bytea not null,
  -- As received, or a blob's key.
  body bytea,
  blob text collate "C",
  -- How many recipient rows were ever made for it: a lone one is settled in one statement.
  recipients integer not null,
  check ((body is null) <> (blob is null))
);
-- Bodies are not compressed (CPU is dearer than disk here) and never changed.
alter table message alter column body set storage external;
alter table message set (
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 1, autovacuum_analyze_scale_factor = 0.5, autovacuum_analyze_threshold = 20000,
  toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 20000
);
create index message_blob on message (blob) where blob is not null;

create table recipient (
  message_id text collate "C" not null,
  -- The address in the form we compare by; for an additional copy a tab, `dual`, and more. One of each in a message.
  slot text collate "C" not null,
  address text not null,
  -- Comma-separated; null: the client did not say.
  notify text,
  orcpt text,
  -- due, held, done. Rows that are done stay as long as their message, so that nobody gets it twice from two groups.
  status text collate "C" not null default 'due',
  due_at timestamptz,
  claimed_by integer,
  attempts integer not null default 0,
  -- Key of the last decision's next hop; '' before the first one.
  next_hop text collate "C" not null default '',
  -- Waits only because the destination was down; tried at once when it is back.
  stalled boolean not null default false,
  warned boolean not null default false,
  split boolean not null default false,
  purpose text collate "C" not null default 'delivery',
  pinned jsonb,
  -- null: reports go to the sender; '': to nobody.
  report_to text,
  expanded_from text[],
  because text[],
  reply text,
  peer text,
  hold_reason text,
  -- { by, reason }: an operator wants it returned to the sender.
  bounce jsonb,
  primary key (message_id, slot)
);
create index recipient_due on recipient (next_hop, due_at) where claimed_by is null and status = 'due';
alter table recipient set (
  fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 1, autovacuum_analyze_scale_factor = 0.5, autovacuum_analyze_threshold = 20000
);

-- Append-only; old rows go in chunks. `because` is in detail; `last`: nothing was left in the spool after it.
create table trace (
  id bigint generated always as identity,
  at timestamptz not null,
  event text collate "C" not null,
  queue_id text collate "C",
  recipient text,
  sender text,
  message_id text,
  last boolean not null default false,
  detail jsonb not null
);
create index trace_at on trace using brin (at) with (pages_per_range = 32, autosummarize = on);
create index trace_queue_id on trace (queue_id) where queue_id is not null;
-- From behind: `@domain` is searched by the same index as an address.
create index trace_recipient on trace ((reverse(lower(recipient)) collate "C")) where recipient is not null;
create index trace_sender on trace ((reverse(lower(sender)) collate "C")) where sender is not null;
create index trace_message_id on trace (hashtext(message_id)) where message_id is not null;
alter table trace set (autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_analyze_scale_factor = 0.5);
