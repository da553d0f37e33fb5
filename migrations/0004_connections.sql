-- An account's own access to a provider. Credentials are sealed (AEAD) under a key that is not in the database.
create table connections (
    account_id uuid not null,
    connection_id uuid not null,
    provider text not null,
    -- Where the provider's API is; the provider's public one unless it was given.
    base_url text not null,
    sealed_credentials bytea not null,
    created_at timestamptz not null default now(),
    constraint connections_pkey primary key (account_id, connection_id),
    -- Inbound posts name the connection alone.
    constraint connections_id_key unique (connection_id),
    constraint connections_account_fkey foreign key (account_id) references accounts (account_id)
);

-- Which connection hangs up for which of the account's numbers.
create table numbers (
    account_id uuid not null,
    number text not null,
    connection_id uuid not null,
    constraint numbers_pkey primary key (account_id, number),
    constraint numbers_connection_fkey foreign key (account_id, connection_id)
        references connections (account_id, connection_id),
    constraint numbers_are_e164 check (number ~ '^\+[1-9][0-9]{1,14}$')
);
