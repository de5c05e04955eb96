-- 0003-store: hosted accounts, their mailboxes, messages and bodies (src/store, adr/0005).
--
-- Facts are kept once: an account's usage is the sum over its mailboxes, EMAILID follows from the body, THREADID from
-- the root of the body's references. Every change of a mailbox locks its row; several are locked in order of id.

create sequence uid_validity maxvalue 4294967295 no cycle;
select setval('uid_validity', extract(epoch from now())::bigint);

create table account (
  id bigint generated always as identity primary key,
  -- in lower case
  name text not null unique,
  -- ports/directory, DirectoryEntry.id
  entry_id text unique,
  disabled boolean not null default false,
  quota_storage bigint,
  quota_messages bigint,
  created_at timestamptz not null
);

create table mailbox (
  id bigint generated always as identity primary key,
  account bigint not null references account on delete cascade,
  name text not null,
  selectable boolean not null default true,
  special_use text,
  object_id text not null unique,
  uid_validity bigint not null default nextval('uid_validity'),
  uid_next bigint not null default 1,
  mod_seq bigint not null default 1,
  messages bigint not null default 0,
  unseen bigint not null default 0,
  deleted bigint not null default 0,
  size bigint not null default 0,
  deleted_size bigint not null default 0,
  recent_from bigint not null default 1,
  -- as first spelt
  keywords text[] not null default '{}',
  -- what was expunged up to this mod_seq is not known any more
  forgotten_to bigint not null default 0,
  created_at timestamptz not null,
  unique (account, name)
) with (fillfactor = 50);

create unique index mailbox_use on mailbox (account, special_use) where special_use is not null;

-- A body is kept once for all copies. Swept when nothing refers to it and it was not staged for some hours.
create table body (
  id bigint generated always as identity primary key,
  -- SHA-256 of the plain octets
  hash bytea not null unique,
  size bigint not null,
  -- either the octets, or the key of a blob of the store
  content bytea,
  blob text,
  -- 0 as it is, 1 in frames (store/frame)
  coding smallint not null default 0,
  -- number of the AES-256-GCM key; null: in the clear
  sealed_by smallint,
  salt bytea,
  -- lengths of the frames, when there are several
  frames bytea,
  -- protocol/mime/stored-structure
  structure text not null,
  preview text,
  -- hash of the root of its references
  thread bytea not null,
  message_id text,
  refs text[] not null default '{}',
  sent_at timestamptz,
  -- the day the Date field names, in its own zone (SENTON and its kin)
  sent_on date,
  -- its subject has marks of a reply or a forward: in front of sort_subject stood `Re:` or the like
  is_reply boolean not null default false,
  -- decoded and casefolded, cut at 1,000 characters: RFC 5256 §3, RFC 5957; the subject without those marks (base subject)
  sort_subject text not null default '',
  sort_from text not null default '',
  sort_to text not null default '',
  sort_cc text not null default '',
  display_from text not null default '',
  display_to text not null default '',
  staged_at timestamptz not null,
  check ((content is null) <> (blob is null))
);
alter table body alter column content set storage external;
alter table body alter column frames set storage external;
create index body_blob on body (blob) where blob is not null;
create index body_staged on body (staged_at, id);
create index body_sealed on body (sealed_by, id);
-- A mirror or an import looks for what it had done before; hash, as ids are long and only equality is asked.
create index body_message_id on body using hash (message_id) where message_id is not null;

create table mailbox_message (
  mailbox bigint not null references mailbox,
  uid bigint not null,
  mod_seq bigint not null,
  -- bits of mail/mailbox, flagBits
  system smallint not null default 0,
  keywords text[],
  internal_date timestamptz(0) not null,
  saved_date timestamptz(0) not null,
  body bigint not null references body,
  size bigint not null,
  -- the body's, which never changes: rows are read without their wide bodies; null: look there
  thread bytea,
  uidl text,
  primary key (mailbox, uid)
);
create index mailbox_message_mod_seq on mailbox_message (mailbox, mod_seq);
create index mailbox_message_body on mailbox_message (body);
create index mailbox_message_unseen on mailbox_message (mailbox, uid) where system & 1 = 0;
create index mailbox_message_deleted on mailbox_message (mailbox, uid) where system & 8 <> 0;
create index mailbox_message_keywords on mailbox_message (mailbox, uid) where keywords is not null;

-- Which UIDs there are: bit n of page p is UID 1024 p + n, bits counted as get_bit() does.
create table uid_page (
  mailbox bigint not null references mailbox on delete cascade,
  page integer not null,
  bits bytea not null check (length(bits) = 128),
  primary key (mailbox, page)
) with (fillfactor = 70);

-- A page with the bits at these places set to `value`.
create function uid_page_with(bits bytea, places integer[], value integer) returns bytea
language plpgsql immutable strict parallel safe as $$
declare
  place integer;
begin
  foreach place in array places loop
    bits := set_bit(bits, place, value);
  end loop;
  return bits;
end $$;

-- What is gone, for QRESYNC and for the operator's restore. Its mailbox and account may be gone too.
create table expunged (
  mailbox bigint not null,
  uid bigint not null,
  mod_seq bigint not null,
  expunged_at timestamptz not null,
  account bigint not null,
  account_name text not null,
  mailbox_name text not null,
  system smallint not null,
  keywords text[],
  internal_date timestamptz(0) not null,
  saved_date timestamptz(0) not null,
  body bigint not null references body,
  size bigint not null,
  uidl text,
  primary key (mailbox, uid)
);
create index expunged_mod_seq on expunged (mailbox, mod_seq);
create index expunged_account on expunged (account, expunged_at);
create index expunged_at on expunged (expunged_at);
create index expunged_body on expunged (body);

create table subscription (
  account bigint not null references account on delete cascade,
  name text not null,
  primary key (account, name)
);

-- RFC 4314. Who: an account's name, `anyone`, either with `-` before it.
create table mailbox_right (
  mailbox bigint not null references mailbox on delete cascade,
  who text not null,
  rights text not null,
  primary key (mailbox, who)
);
create index mailbox_right_who on mailbox_right (who);

-- RFC 5464. Mailbox null: the server's own. Account null: shared.
create table annotation (
  mailbox bigint references mailbox on delete cascade,
  account bigint references account on delete cascade,
  name text not null,
  value bytea not null,
  unique nulls not distinct (mailbox, account, name)
);

create table script (
  account bigint not null references account on delete cascade,
  name text not null,
  content text not null,
  active boolean not null default false,
  primary key (account, name)
);
create unique index script_active on script (account) where active;

create table script_memory (
  account bigint not null references account on delete cascade,
  key bytea not null,
  until timestamptz not null,
  primary key (account, key)
);
create index script_memory_until on script_memory (until);

-- What SEARCH looks at (store/text): decoded, folded by protocol/mime/fold, LF for every line end. A header is LF and
-- `NAME:value` for each of its fields.
create table body_text (
  body bigint primary key references body on delete cascade,
  header text not null,
  -- of parts and of messages within
  part_headers text not null,
  content text not null,
  -- some of it is missing, and why
  trouble text
);

-- Which runs of characters are anywhere in it, as numbers (store/text-grams): beside the text, so that candidates are
-- found without a look at it.
create table body_gram (
  body bigint primary key references body on delete cascade,
  grams integer[] not null
);
alter table body_gram alter column grams set storage external;
alter table body_gram alter column grams set statistics 0;
create index body_gram_grams on body_gram using gin (grams);
-- How frequent something is, at a 64th of the cost.
create index body_gram_sample on body_gram using gin (grams) where body & 63 = 0;

-- Bodies whose text is not kept yet.
create table body_due (
  body bigint primary key references body on delete cascade,
  tries smallint not null default 0,
  try_at timestamptz,
  trouble text
);
create function body_is_due() returns trigger language plpgsql as $$
begin
  insert into body_due (body) values (new.id);
  return null;
end $$;
create trigger body_is_due after insert on body for each row execute function body_is_due();
