create type transcript_source as enum ('caller', 'speech_to_text');
create type analysis_status as enum ('completed', 'partial', 'failed');
create type analysis_trigger as enum ('call_ended', 'transcript_updated', 'recording_available', 'requested');

-- Immutable; the newest counts. Revisions are numbered under the call's row lock: ids made on two machines, and the
-- times at which two transactions began, need not rise with the commits.
create table transcripts (
    account_id uuid not null,
    call_id uuid not null,
    revision integer not null,
    transcript_id uuid not null,
    source transcript_source not null,
    language text,
    utterances jsonb not null,
    -- The utterances as plain lines, for search and for the flat `transcript` field.
    text text not null,
    content_sha256 bytea not null,
    created_at timestamptz not null default now(),
    constraint transcripts_pkey primary key (account_id, call_id, revision),
    constraint transcripts_revision_is_positive check (revision >= 1),
    constraint transcripts_content_length check (length(content_sha256) = 32)
);

-- Immutable revisions; a new one only when the input or an analyser changed. What was said is not copied here: it is in
-- the transcript of `transcript_revision`, and only there.
create table analyses (
    account_id uuid not null,
    call_id uuid not null,
    revision integer not null,
    analysis_id uuid not null,
    status analysis_status not null,
    trigger analysis_trigger not null,
    transcript_revision integer,
    input_hash bytea not null,
    result jsonb not null,
    -- The sentiment of each utterance of that transcript, in its order, -1 to 1; null where none was made.
    turn_compounds double precision[],
    created_at timestamptz not null default now(),
    constraint analyses_pkey primary key (account_id, call_id, revision),
    constraint analyses_revision_is_positive check (revision >= 1),
    constraint analyses_input_hash_length check (length(input_hash) = 32),
    constraint analyses_turns_have_a_transcript check (turn_compounds is null or transcript_revision is not null)
);
