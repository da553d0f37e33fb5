-- Durable work. Rows are narrow and short-lived: done work is deleted, dead work stays to be seen.
create type job_state as enum ('available', 'running', 'dead');

create table jobs (
    job_id uuid not null,
    kind text not null,
    -- Whose work it is, for people and for erasure; the queue itself does not look at it.
    account_id uuid,
    -- Jobs of one lane share a bound on how many run at once (an endpoint, a connection).
    lane uuid,
    -- At most one live job holds a unique key.
    unique_key text,
    args jsonb not null,
    state job_state not null default 'available',
    run_at timestamptz not null default now(),
    attempt integer not null default 0,
    attempts_max integer not null,
    -- Rises with every claim: a finish that does not carry the newest lease changes nothing.
    lease bigint not null default 0,
    leased_until timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    constraint jobs_pkey primary key (job_id),
    constraint jobs_running_is_leased check ((state = 'running') = (leased_until is not null)),
    constraint jobs_attempts_bounds check (attempts_max between 1 and 1000)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

create index jobs_due on jobs (run_at, job_id) where state = 'available';
create index jobs_leased on jobs (leased_until) where state = 'running';
create index jobs_dead on jobs (kind, created_at) where state = 'dead';
create unique index jobs_unique_key on jobs (unique_key) where unique_key is not null and state <> 'dead';

-- Who runs the periodic tasks: a lease, so that it works behind a transaction pooler too.
create table leaders (
    name text not null,
    holder uuid not null,
    leased_until timestamptz not null,
    constraint leaders_pkey primary key (name)
);
