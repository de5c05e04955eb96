-- Who may enter: passwords of accounts that are kept here, app passwords, and what happened at the door (src/auth).
-- Accounts by name (lower case), as people are known at the door before anyone knows whether they have mail here.

create table credential (
  account text primary key,
  -- PHC string of argon2id; null where there is no password, but app passwords or others only.
  password text,
  -- RFC 5803; null where SCRAM was not wanted when the password was set.
  scram text,
  set_at timestamptz not null,
  set_by text not null
);

create table app_password (
  id bigint generated always as identity primary key,
  account text not null,
  label text not null,
  -- SHA-256 of a secret of 100 random bits: nothing to guess, so nothing that would have to be slow.
  digest bytea not null unique,
  scope text[] not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  used_at timestamptz,
  used_from text
);
create index app_password_account on app_password (account);

-- Random octets that all nodes share: without them, what is shown for names that nobody has would tell them apart.
create table auth_secret (
  name text primary key,
  value bytea not null
);

create table sign_in_audit (
  n bigint generated always as identity primary key,
  at timestamptz not null,
  event text not null,
  account text not null,
  -- Who did it, where it is not the account.
  by text,
  service text,
  way text,
  remote text,
  detail jsonb not null default '{}'
);
create index sign_in_audit_account on sign_in_audit (account, n);
create index sign_in_audit_at on sign_in_audit (at);
