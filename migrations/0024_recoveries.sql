-- Recoveries: what an endpoint has missed since a moment is sent again, however much it is.

create type recovery_stage as enum ('making', 'resending', 'completed', 'failed');

create table recoveries (
    account_id uuid not null,
    recovery_id uuid not null,
    endpoint_id uuid not null,
    -- What was told in this time, by the time in the ids.
    since timestamptz not null,
    until timestamptz not null,
    -- How deliveries have ended that are sent again.
    states delivery_state[] not null,
    -- Also what was never on its way to this endpoint.
    missing boolean not null,
    stage recovery_stage not null,
    -- The transaction that asked: one that began before it may still write of what was missed.
    asked_in bigint not null default pg_current_xact_id()::text::bigint,
    -- The last event that was looked at while deliveries are made, the last delivery while they are sent again.
    place uuid,
    looked_at bigint not null default 0,
    made bigint not null default 0,
    resent bigint not null default 0,
    -- Those whose body is not kept any more.
    skipped bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint recoveries_pkey primary key (account_id, recovery_id),
    constraint recoveries_window check (since < until),
    constraint recoveries_states_are_over check (states <@ array['succeeded', 'dead', 'discarded']::delivery_state[]),
    constraint recoveries_want_something check (missing or cardinality(states) > 0),
    constraint recoveries_finished check ((stage in ('completed', 'failed')) = (finished_at is not null))
);
-- One at a time for an endpoint.
create unique index recoveries_running on recoveries (account_id, endpoint_id) where finished_at is null;
