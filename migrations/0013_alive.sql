-- Calls are ended completely, and none stays alive: the legs of a call, what ending asks of others until it is confirmed, limits,
-- what the reconciler remembers, and reports that came before their call.

-- Operational events: told to endpoints that name them, and to no other.
alter type event_type add value 'termination.failed';
alter type event_type add value 'call.reconciled';

alter table terminations
    -- When the other side took our request without saying that it was done.
    add column accepted_at timestamptz,
    -- The one job that asks.
    add column job_id uuid;
-- What nobody asks any more, though it is not done, is looked for here.
create index terminations_pending on terminations (updated_at) where state = 'pending';

-- Which leg was made by which, and which belong together, as the provider names them. Only of legs of which it says something.
create table legs (
    account_id uuid not null,
    provider text not null,
    name text not null,
    parent text,
    conversation text,
    first_seen_at timestamptz not null default now(),
    constraint legs_pkey primary key (account_id, provider, name),
    constraint legs_name_length check (length(name) between 1 and 255),
    constraint legs_say_something check (parent is not null or conversation is not null)
);
create index legs_parent on legs (account_id, provider, parent) where parent is not null;
create index legs_conversation on legs (account_id, provider, conversation, first_seen_at, name)
    where conversation is not null;

-- Reports of a call that nobody has reported yet: taken up when it is there, dropped after a day.
create table parked_reports (
    account_id uuid not null,
    digest bytea not null,
    connection_id uuid not null,
    provider text not null,
    -- The call's name, or its conversation's.
    awaits text not null,
    report jsonb not null,
    parked_at timestamptz not null default now(),
    constraint parked_reports_pkey primary key (account_id, digest),
    constraint parked_reports_digest_length check (length(digest) = 32),
    constraint parked_reports_awaits_length check (length(awaits) between 1 and 255)
);
create index parked_reports_awaits on parked_reports (account_id, provider, awaits);
create index parked_reports_age on parked_reports (parked_at);

-- How long calls may last: in an account, and each for itself.
alter table accounts
    add column max_duration_s integer,
    add constraint accounts_max_duration_bounds check (max_duration_s between 1 and 604800);

create table call_limits (
    account_id uuid not null,
    call_id uuid not null,
    max_duration_s integer,
    end_at timestamptz,
    -- Not before this moment can one of them have passed.
    look_at timestamptz not null,
    constraint call_limits_pkey primary key (account_id, call_id),
    constraint call_limits_max_duration_bounds check (max_duration_s between 1 and 604800),
    constraint call_limits_say_something check (max_duration_s is not null or end_at is not null)
);
create index call_limits_look on call_limits (look_at);

-- Calls that are under way, by when they were answered: who has lasted too long is found here.
create index calls_talking on calls (account_id, (coalesce(answered_at, created_at)), call_id) where state = 'in_progress';

-- What the reconciler remembers of a call that has been live for long. Rows of its own, so that reports never meet it.
create table reconciliations (
    account_id uuid not null,
    call_id uuid not null,
    next_check_at timestamptz not null,
    -- When the provider was last asked, and when it last said that the call is live.
    checked_at timestamptz,
    alive_at timestamptz,
    -- Since when, and how often in a row, it has said that it knows no such call.
    unknown_since timestamptz,
    unknowns integer not null default 0,
    -- How often in a row it could not be asked.
    failures integer not null default 0,
    constraint reconciliations_pkey primary key (account_id, call_id),
    constraint reconciliations_unknown check ((unknowns > 0) = (unknown_since is not null)),
    constraint reconciliations_counts check (unknowns >= 0 and failures >= 0)
);
create index reconciliations_due on reconciliations (next_check_at);
