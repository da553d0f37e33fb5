-- Who may speak to us. An account is the tenant wall: every other table's key starts with its id.
create type voip_mode as enum ('key', 'open');
create type key_kind as enum ('staff', 'app', 'directory', 'client', 'ingest', 'operator');
create type handling as enum ('strict', 'lenient');

create table accounts (
    account_id uuid not null,
    -- A DNS label: the first label of the Host names the account on the voip surface.
    name text not null,
    -- What the voice-calls surface calls the account; the account id unless it was given.
    business_uid text not null,
    -- A directory account may act for the accounts below it (`x-on-behalf-of`).
    directory_account_id uuid,
    voip voip_mode not null default 'key',
    created_at timestamptz not null default now(),
    constraint accounts_pkey primary key (account_id),
    constraint accounts_name_key unique (name),
    constraint accounts_business_uid_key unique (business_uid),
    constraint accounts_name_is_a_label check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    constraint accounts_business_uid_length check (length(business_uid) between 1 and 255),
    constraint accounts_directory_fkey foreign key (directory_account_id) references accounts (account_id)
);

create table api_keys (
    account_id uuid not null,
    key_id uuid not null,
    kind key_kind not null,
    -- SHA-256 of the whole key: 256 random bits need no stretching.
    secret_sha256 bytea not null,
    -- The visible head of the key, for people who look for it.
    prefix text not null,
    staff_uid text,
    prefer handling,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (account_id, key_id),
    constraint api_keys_secret_key unique (secret_sha256),
    constraint api_keys_secret_length check (length(secret_sha256) = 32),
    constraint api_keys_account_fkey foreign key (account_id) references accounts (account_id)
);
