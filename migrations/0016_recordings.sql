-- What was heard in the recordings of calls: one row for each place and way of reading. The recording itself is not kept, nor its place.
create table recording_readings (
    account_id uuid not null,
    call_id uuid not null,
    -- The hash of where the recording is and of how it is read.
    reading_key bytea not null,
    reading jsonb not null,
    -- How many attempts it took.
    attempts integer not null,
    created_at timestamptz not null default now(),
    constraint recording_readings_pkey primary key (account_id, call_id, reading_key),
    constraint recording_readings_key_length check (length(reading_key) = 32)
);
