-- For how long what is kept is kept.

-- The calls of an account that are older than it keeps calls, removed as an erasure.
alter type erasure_subject add value if not exists 'age';

-- What accounts have said; null: what the server says.
create table retention (
    account_id uuid not null,
    payload_days integer,
    attempt_days integer,
    receipt_days integer,
    transcript_days integer,
    recording_days integer,
    call_days integer,
    updated_at timestamptz not null default now(),
    constraint retention_pkey primary key (account_id),
    constraint retention_account_fk foreign key (account_id) references accounts (account_id),
    constraint retention_payload_bounds check (payload_days between 1 and 36500),
    constraint retention_attempt_bounds check (attempt_days between 1 and 36500),
    constraint retention_receipt_bounds check (receipt_days between 1 and 36500),
    constraint retention_transcript_bounds check (transcript_days between 1 and 36500),
    constraint retention_recording_bounds check (recording_days between 1 and 36500),
    constraint retention_call_bounds check (call_days between 1 and 36500)
);

-- Up to which change of an account's calls the URLs of recordings were removed: what is changed later is looked at again.
create table retention_places (
    account_id uuid not null,
    updated_at timestamptz not null,
    call_id uuid not null,
    constraint retention_places_pkey primary key (account_id)
);
