-- One record a call, whoever reported it. No foreign keys to `accounts` here: the account comes from a verified
-- credential, and the check would lock the account's row for every reported call.
create type call_state as enum
    ('queued', 'ringing', 'in_progress', 'completed', 'busy', 'no_answer', 'canceled', 'failed', 'voicemail');
create type call_direction as enum ('inbound', 'outbound');
create type voice_call_status as enum
    ('INCOMING_CALL', 'ANSWERED_BY_STAFF', 'MISSED', 'ANSWERED_BY_CALLS_PROVIDER', 'MISSED_CALL_HANDLED', 'VOICEMAIL_RECEIVED');
create type report_kind as enum ('queued', 'ringing', 'answered', 'ended', 'recording');

create table calls (
    account_id uuid not null,
    call_id uuid not null,
    -- What the telephony side calls it. `provider` is an open set: voip until somebody knows better.
    provider text not null,
    provider_call_id text not null,
    connection_id uuid,
    state call_state not null,
    direction call_direction,
    -- As sent, and as E.164 where that could be read.
    from_number text,
    to_number text,
    from_e164 text,
    to_e164 text,
    email text,
    queued_at timestamptz,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    -- Talk time as reported, in seconds.
    duration_s integer,
    recording_url text,
    disconnect_reason text,
    -- When each reported fact was learned; see `domain::call::LearnedAt`.
    learned_at jsonb not null default '{}',
    -- The media room that goes with the call, deleted when the call is ended here.
    room_connection_id uuid,
    room_name text,
    -- What staff systems keep (voice-calls surface).
    source_id text,
    staff_uid text,
    client_uid text,
    -- The status that staff last set; shown while it says at least as much as `state`.
    voice_call_status voice_call_status,
    rate numeric,
    price numeric,
    call_summary text,
    external_app_url text,
    external_app_name text,
    external_uuid text,
    recording_id text,
    handled_by_staff_uid text,
    handled_at timestamptz,
    -- What back ends keep (calls surface).
    campaign_id uuid,
    ai_agent_id uuid,
    contact_id uuid,
    workspace_id text not null default 'default',
    is_test boolean not null default false,
    call_rating smallint,
    call_feedback text,
    notes text,
    metadata jsonb,
    agent_dynamic_variables jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    -- Rises with every change; the ETag of the record.
    version bigint not null default 1,
    constraint calls_pkey primary key (account_id, call_id),
    constraint calls_terminal_has_an_end check
        ((ended_at is not null) = (state not in ('queued', 'ringing', 'in_progress'))),
    constraint calls_duration_bounds check (duration_s between 0 and 604800),
    constraint calls_rating_bounds check (call_rating between 1 and 5),
    constraint calls_rate_bounds check (rate >= 0 and rate < 1000000000000 and scale(rate) <= 6),
    constraint calls_price_bounds check (price >= 0 and price < 1000000000000 and scale(price) <= 6),
    constraint calls_provider_call_id_length check (length(provider_call_id) between 1 and 255),
    constraint calls_from_length check (length(from_number) between 1 and 255),
    constraint calls_to_length check (length(to_number) between 1 and 255),
    constraint calls_recording_url_length check (length(recording_url) <= 2048),
    constraint calls_disconnect_reason_length check (length(disconnect_reason) <= 512)
);

-- Lists: newest first, and by change (the voice-calls default).
create index calls_created on calls (account_id, created_at desc, call_id desc);
create index calls_updated on calls (account_id, updated_at desc, call_id desc);

-- Every name a call goes by. `namespace` is 'call' for what telephony calls it (CallId, call_sid, a provider's id)
-- and the provider for the voice-calls `source_id`, so that two surfaces that name one call meet on one row.
create table call_names (
    account_id uuid not null,
    namespace text not null,
    name text not null,
    call_id uuid not null,
    constraint call_names_pkey primary key (account_id, namespace, name),
    constraint call_names_length check (length(name) between 1 and 255)
);
create index call_names_call on call_names (account_id, call_id);

-- Every report as it came, once. `digest` is what makes a repetition recognisable: the provider's own event id where
-- it has one, else the content.
create table receipts (
    account_id uuid not null,
    call_id uuid not null,
    digest bytea not null,
    source text not null,
    kind report_kind not null,
    -- When it happened, by the reporter's clock if it told one.
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    -- The report came after the call's end, or after a first, different end.
    late boolean not null,
    report jsonb not null,
    constraint receipts_pkey primary key (account_id, call_id, digest),
    constraint receipts_digest_length check (length(digest) = 32)
);

-- What ending a call asked of others, and how it went.
create type termination_part as enum ('provider', 'room');
create type termination_state as enum ('pending', 'done', 'already_over', 'not_found', 'skipped', 'failed');

create table terminations (
    account_id uuid not null,
    call_id uuid not null,
    part termination_part not null,
    state termination_state not null,
    connection_id uuid,
    -- Why it was skipped or failed, in words for the record.
    detail text,
    attempts integer not null default 0,
    requested_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint terminations_pkey primary key (account_id, call_id, part),
    constraint terminations_detail_length check (length(detail) <= 1024)
);
