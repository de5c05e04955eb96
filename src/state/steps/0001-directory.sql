-- Who is who: the last good snapshot of each directory source, and homes laid over it (src/directory).
-- No foreign keys: one process writes at a time, under a lock, and a check per row would double the time of a first load.

create table directory_source (
  source text primary key,
  cursor text,
  -- The last refresh that reached the source and ended well; the last full one; the last one tried.
  good_at timestamptz,
  full_at timestamptz,
  deletions_at timestamptz,
  tried_at timestamptz,
  trouble text,
  entries int8 not null default 0
);

create table directory_entry (
  n int8 generated always as identity primary key,
  source text not null,
  id text not null unique,
  place text not null,
  kind text not null,
  home text,
  -- Key of the targetAddress.
  target text,
  -- Of all that the source said of it: equal digests need no writing.
  digest uuid not null,
  facts jsonb not null
);
create index directory_entry_source on directory_entry (source, id);
create index directory_entry_target on directory_entry (target) where target is not null;

-- role p: primary address, a: other address, x: X.500 address (tab, x500, tab, ADDRESS), n: a name (SOURCE, tab, name) by which groups refer to it.
-- An address that several entries claim has several rows: ambiguity is found by asking.
create table directory_address (
  key text not null,
  entry int8 not null,
  role "char" not null,
  primary key (key, entry)
);
create index directory_address_entry on directory_address (entry);

-- role m: member, o: owner. ref is a key of directory_address.
create table directory_member (
  grp int8 not null,
  role "char" not null,
  ref text not null,
  primary key (grp, role, ref)
);
create index directory_member_ref on directory_member (ref);

-- entry is null for what only the whole snapshot shows: ambiguous addresses, loops of groups, unknown members.
create table directory_problem (
  source text not null,
  entry int8,
  place text not null,
  kind text not null,
  what text not null
);
create index directory_problem_source on directory_problem (source);
create index directory_problem_entry on directory_problem (entry) where entry is not null;

-- What a running refresh has read and not yet applied. digest null: deleted. Lost in a crash, and then read again.
create unlogged table directory_stage (
  source text not null,
  seq int8 generated always as identity,
  id text not null,
  digest uuid,
  place text,
  kind text,
  home text,
  target text,
  facts jsonb,
  keys text[],
  roles "char"[],
  members text[],
  owners text[],
  problems jsonb,
  primary key (source, id)
);
create index directory_stage_seq on directory_stage (source, seq);

create unlogged table directory_seen (
  source text not null,
  id text not null,
  primary key (source, id)
);

-- Groups within groups, while loops are looked for.
create unlogged table directory_edge (
  source text not null,
  grp int8 not null,
  member int8 not null,
  primary key (source, grp, member)
);

create table home_override (
  entry_id text primary key,
  site text not null,
  why text not null,
  at timestamptz not null
);

-- Every flip and clear; before and after are undefined where the directory's own word holds.
create table home_change (
  n int8 generated always as identity primary key,
  at timestamptz not null,
  entry_id text not null,
  before text,
  after text,
  why text not null
);
create index home_change_entry on home_change (entry_id, n);
