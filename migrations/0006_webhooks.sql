create type endpoint_state as enum ('enabled', 'disabled');
create type delivery_state as enum ('waiting', 'pending', 'succeeded', 'dead', 'discarded');

create table endpoints (
    account_id uuid not null,
    endpoint_id uuid not null,
    url text not null,
    -- Event types it wants; empty means all.
    event_types text[] not null default '{}',
    sealed_secret bytea not null,
    state endpoint_state not null default 'enabled',
    disabled_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint endpoints_pkey primary key (account_id, endpoint_id),
    constraint endpoints_url_length check (length(url) between 1 and 2048),
    constraint endpoints_account_fkey foreign key (account_id) references accounts (account_id)
);

-- What happened, as it is told: `body` is sent byte for byte on every attempt.
create table events (
    account_id uuid not null,
    event_id uuid not null,
    call_id uuid not null,
    type text not null,
    body text not null,
    created_at timestamptz not null default now(),
    constraint events_pkey primary key (account_id, event_id)
);
create index events_call on events (account_id, call_id, event_id);

-- One event to one endpoint. `waiting`: the call's `call.ended` to this endpoint is not yet told.
create table deliveries (
    account_id uuid not null,
    delivery_id uuid not null,
    event_id uuid not null,
    endpoint_id uuid not null,
    call_id uuid not null,
    event_type text not null,
    state delivery_state not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint deliveries_pkey primary key (account_id, delivery_id),
    constraint deliveries_event_endpoint_key unique (account_id, event_id, endpoint_id),
    constraint deliveries_finished check
        ((finished_at is not null) = (state in ('succeeded', 'dead', 'discarded')))
);
create index deliveries_unfinished on deliveries (account_id, endpoint_id, call_id)
    where state in ('waiting', 'pending');

create table attempts (
    account_id uuid not null,
    delivery_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    -- Null when no answer came.
    response_status integer,
    response_body bytea,
    -- Why it did not succeed: a closed set, see `domain::delivery::AttemptOutcome`.
    outcome text not null,
    constraint attempts_pkey primary key (account_id, delivery_id, attempt),
    constraint attempts_body_bound check (length(response_body) <= 65536)
);
