create type transcript_source as enum ('caller', 'speech_to_text');
create type analysis_status as enum ('completed', 'partial', 'failed');
create type analysis_trigger as enum ('call_ended', 'transcript_updated', 'recording_available', 'requested');

-- Immutable; the newest counts.
create table transcripts (
    account_id uuid not null,
    call_id uuid not null,
    transcript_id uuid not null,
    source transcript_source not null,
    language text,
    utterances jsonb not null,
    -- The utterances as plain lines, for search and for the flat `transcript` field.
    text text not null,
    content_sha256 bytea not null,
    created_at timestamptz not null default now(),
    constraint transcripts_pkey primary key (account_id, call_id, transcript_id)
);

-- Immutable revisions; a new one only when the input or an analyser changed.
create table analyses (
    account_id uuid not null,
    call_id uuid not null,
    revision integer not null,
    analysis_id uuid not null,
    status analysis_status not null,
    trigger analysis_trigger not null,
    transcript_id uuid,
    input_hash bytea not null,
    analyzer_versions jsonb not null,
    result jsonb not null,
    created_at timestamptz not null default now(),
    constraint analyses_pkey primary key (account_id, call_id, revision),
    constraint analyses_revision_is_positive check (revision >= 1),
    constraint analyses_input_hash_length check (length(input_hash) = 32)
);
