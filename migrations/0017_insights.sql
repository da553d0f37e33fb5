-- Whether a transcript says when its utterances were said; the utterances of one that does not have no times in them.
alter table transcripts add column timed boolean not null default true;

create type insight_status as enum ('done', 'failed');

-- What a language model said of a call, or why it said nothing: once for what it was asked. The key is the hash of the
-- redacted turns, of the account's wishes, and of the model and the prompt.
create table insights (
    account_id uuid not null,
    call_id uuid not null,
    key_hash bytea not null,
    status insight_status not null,
    -- The answer, judged; what was wrong instead if it failed.
    result jsonb not null,
    created_at timestamptz not null default now(),
    constraint insights_pkey primary key (account_id, call_id, key_hash),
    constraint insights_key_length check (length(key_hash) = 32)
);
