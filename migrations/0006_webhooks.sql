create type event_type as enum
    ('call.started', 'call.answered', 'call.ended', 'call.transcribed', 'call.analyzed', 'call.updated');
create type endpoint_state as enum ('enabled', 'disabled');
create type delivery_state as enum ('waiting', 'pending', 'succeeded', 'dead', 'discarded');
create type attempt_outcome as enum
    ('succeeded', 'redirected', 'gone', 'client_error', 'server_error', 'refused_address', 'dns', 'connect', 'tls',
     'timed_out', 'reset', 'protocol', 'secret_unreadable');

create table endpoints (
    account_id uuid not null,
    endpoint_id uuid not null,
    url text not null,
    -- Event types it wants; empty means all.
    event_types event_type[] not null default '{}',
    sealed_secret bytea not null,
    state endpoint_state not null default 'enabled',
    disabled_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint endpoints_pkey primary key (account_id, endpoint_id),
    constraint endpoints_url_length check (length(url) between 1 and 2048),
    constraint endpoints_disabled_says_why check ((state = 'disabled') = (disabled_reason is not null)),
    constraint endpoints_account_fkey foreign key (account_id) references accounts (account_id)
);

-- What happened, as it is told: `body` is sent byte for byte on every attempt. Only what somebody subscribed to.
create table events (
    account_id uuid not null,
    event_id uuid not null,
    call_id uuid not null,
    type event_type not null,
    occurred_at timestamptz not null,
    body text not null,
    created_at timestamptz not null default now(),
    constraint events_pkey primary key (account_id, event_id)
);

-- One event to one endpoint. `waiting`: the call's `call.ended` to this endpoint is not yet told.
-- No foreign key to `endpoints`: a deleted endpoint's deliveries stay to be seen.
create table deliveries (
    account_id uuid not null,
    delivery_id uuid not null,
    event_id uuid not null,
    endpoint_id uuid not null,
    call_id uuid not null,
    event_type event_type not null,
    state delivery_state not null,
    -- Attempts ever made, and attempts made in the present schedule: a resend starts a new one.
    attempts integer not null default 0,
    step integer not null default 0,
    -- The one job that may make the next attempt.
    job_id uuid,
    next_attempt_at timestamptz,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint deliveries_pkey primary key (account_id, delivery_id),
    constraint deliveries_event_endpoint_key unique (account_id, event_id, endpoint_id),
    constraint deliveries_finished check
        ((finished_at is not null) = (state in ('succeeded', 'dead', 'discarded'))),
    constraint deliveries_pending_has_a_job check
        ((state = 'pending') = (job_id is not null) and (state = 'pending') = (next_attempt_at is not null)),
    constraint deliveries_step_bounds check (step between 0 and 10 and step <= attempts)
);
-- Also what finds the `call.ended` that others wait for, and those that wait for it.
create index deliveries_call on deliveries (account_id, call_id, delivery_id);
create index deliveries_endpoint on deliveries (account_id, endpoint_id, delivery_id);
-- Dead letters, and what is still on its way; most deliveries succeed and are not in it.
create index deliveries_not_succeeded on deliveries (account_id, state, delivery_id) where state <> 'succeeded';

create table attempts (
    account_id uuid not null,
    delivery_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    outcome attempt_outcome not null,
    -- Null when no answer came; the head of the answer's body, as received.
    response_status integer,
    response_body bytea,
    constraint attempts_pkey primary key (account_id, delivery_id, attempt),
    constraint attempts_attempt_is_positive check (attempt >= 1),
    constraint attempts_body_bound check (length(response_body) <= 65536),
    constraint attempts_body_needs_an_answer check (response_status is not null or response_body is null)
);
