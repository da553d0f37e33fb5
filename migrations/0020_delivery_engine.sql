-- What is not yet delivered stands in one narrow table and leaves it when it is; what is over stands in tables that are cut into weeks by the
-- time in their ids, so that retention drops a week instead of deleting its rows.

-- The least identifier of version 7 that was made at a moment.
create function uuid_at(moment timestamptz) returns uuid
    language sql stable strict
    return (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

alter table events rename to events_before;
alter table events_before rename constraint events_pkey to events_before_pkey;
alter table deliveries rename to deliveries_before;
alter table deliveries_before rename constraint deliveries_pkey to deliveries_before_pkey;
alter table deliveries_before rename constraint deliveries_finished to deliveries_before_finished;
alter index deliveries_call rename to deliveries_before_call;
alter index deliveries_endpoint rename to deliveries_before_endpoint;
alter index deliveries_not_succeeded rename to deliveries_before_not_succeeded;
alter table attempts rename to attempts_before;
alter table attempts_before rename constraint attempts_pkey to attempts_before_pkey;

create table events (
    account_id uuid not null,
    event_id uuid not null,
    -- None: it is about an endpoint.
    call_id uuid,
    type event_type not null,
    occurred_at timestamptz not null,
    body text not null,
    created_at timestamptz not null default now(),
    constraint events_pkey primary key (account_id, event_id)
) partition by range (event_id);

-- Deliveries that are over, each with the attempt that ended it; those before it are in `attempts`.
create table deliveries (
    account_id uuid not null,
    delivery_id uuid not null,
    event_id uuid not null,
    endpoint_id uuid not null,
    call_id uuid,
    event_type event_type not null,
    state delivery_state not null,
    -- Attempts ever made.
    attempts integer not null,
    created_at timestamptz not null,
    finished_at timestamptz not null default now(),
    -- The last attempt; nulls if it was ended by none.
    started_at timestamptz,
    duration_ms integer,
    outcome attempt_outcome,
    url text,
    response_status integer,
    response_body bytea,
    constraint deliveries_pkey primary key (account_id, delivery_id),
    constraint deliveries_are_over check (state in ('succeeded', 'dead', 'discarded')),
    constraint deliveries_attempt_is_whole check ((outcome is null) = (started_at is null) and (outcome is null) = (duration_ms is null)),
    constraint deliveries_body_bound check (length(response_body) <= 65536),
    constraint deliveries_body_needs_an_answer check (response_status is not null or response_body is null)
) partition by range (delivery_id);
create index deliveries_call on deliveries (account_id, call_id, delivery_id);
create index deliveries_endpoint on deliveries (account_id, endpoint_id, delivery_id);
-- Dead letters and what was discarded; most deliveries succeed and are not in it.
create index deliveries_not_succeeded on deliveries (account_id, state, delivery_id) where state <> 'succeeded';

-- Attempts after which a delivery went on.
create table attempts (
    account_id uuid not null,
    delivery_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    outcome attempt_outcome not null,
    url text,
    -- Null when no answer came; the head of the answer's body, as received.
    response_status integer,
    response_body bytea,
    constraint attempts_pkey primary key (account_id, delivery_id, attempt),
    constraint attempts_attempt_is_positive check (attempt >= 1),
    constraint attempts_body_bound check (length(response_body) <= 65536),
    constraint attempts_body_needs_an_answer check (response_status is not null or response_body is null)
) partition by range (delivery_id);

-- For ids that carry no such time, and a net for the day on which no week was made ahead: nothing is refused for want of a partition.
create table events_rest partition of events default;
create table deliveries_rest partition of deliveries default;
create table attempts_rest partition of attempts default;

-- Makes the weeks from the given day's on. What is there stays; a week of which something is already in the net stays there whole.
create function make_webhook_weeks(first_day date, weeks integer) returns integer
    language plpgsql as $$
declare
    parent text;
    monday date;
    week text;
    made integer := 0;
begin
    foreach parent in array array['events', 'deliveries', 'attempts'] loop
        for n in 0 .. weeks - 1 loop
            monday := date_trunc('week', first_day::timestamp)::date + 7 * n;
            week := parent || '_' || to_char(monday, 'YYYYMMDD');
            if to_regclass(quote_ident(week)) is null then
                begin
                    -- Attached, not created in place: that would lock out whoever reads or writes the whole.
                    execute format('create table %I (like %I including defaults including constraints)', week, parent);
                    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, week,
                        uuid_at(monday::timestamp at time zone 'UTC'), uuid_at((monday + 7)::timestamp at time zone 'UTC'));
                    made := made + 1;
                exception when check_violation then
                    null;
                end;
            end if;
        end loop;
    end loop;
    return made;
end $$;

-- Drops the weeks that were over before a moment, at most so many tables at once.
create function drop_webhook_weeks(before timestamptz, tables_max integer) returns integer
    language plpgsql as $$
declare
    week record;
    dropped integer := 0;
begin
    for week in
        select child.relname from pg_inherits
        join pg_class parent on parent.oid = inhparent
        join pg_class child on child.oid = inhrelid
        join pg_namespace space on space.oid = parent.relnamespace and space.nspname = current_schema()
        where parent.relname in ('events', 'deliveries', 'attempts') and child.relname ~ '^(events|deliveries|attempts)_[0-9]{8}$'
          and (to_date(right(child.relname, 8), 'YYYYMMDD') + 7)::timestamp at time zone 'UTC' <= before
        order by right(child.relname, 8), child.relname
        limit tables_max
    loop
        execute format('drop table %I', week.relname);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;

select make_webhook_weeks((now() at time zone 'UTC')::date, 2);

-- One event on its way to one endpoint. Nothing here is updated but by a failed attempt: a delivery that succeeds at once is one insert and
-- one delete.
create table delivery_queue (
    endpoint_id uuid not null,
    due_at timestamptz not null default clock_timestamp(),
    delivery_id uuid not null,
    account_id uuid not null,
    event_id uuid not null,
    call_id uuid,
    created_at timestamptz not null default now(),
    event_type event_type not null,
    -- The body's size in bytes.
    size integer not null,
    -- Attempts ever made: also the fence, which whoever writes down an attempt must name. Attempts made in the present schedule: a resend
    -- starts a new one.
    attempts integer not null default 0,
    step integer not null default 0,
    constraint delivery_queue_pkey primary key (account_id, delivery_id),
    constraint delivery_queue_step_bounds check (step between 0 and 10 and step <= attempts)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index delivery_queue_due on delivery_queue (endpoint_id, due_at, delivery_id);
-- What finds the `call.ended` that others wait for, and those that wait for it.
create index delivery_queue_call on delivery_queue (call_id, endpoint_id);

insert into events select account_id, event_id, call_id, type, occurred_at, body, created_at from events_before;
insert into delivery_queue (endpoint_id, due_at, delivery_id, account_id, event_id, call_id, created_at, event_type, size, attempts, step)
select d.endpoint_id, coalesce(d.next_attempt_at, now()), d.delivery_id, d.account_id, d.event_id, d.call_id, d.created_at, d.event_type,
       octet_length(e.body), d.attempts, d.step
from deliveries_before d join events_before e on e.account_id = d.account_id and e.event_id = d.event_id
where d.state in ('waiting', 'pending');
insert into deliveries
select d.account_id, d.delivery_id, d.event_id, d.endpoint_id, d.call_id, d.event_type, d.state, d.attempts, d.created_at, d.finished_at,
       a.started_at, a.duration_ms, a.outcome, null, a.response_status, a.response_body
from deliveries_before d
left join attempts_before a on a.account_id = d.account_id and a.delivery_id = d.delivery_id and a.attempt = d.attempts
where d.state not in ('waiting', 'pending');
insert into attempts
select a.account_id, a.delivery_id, a.attempt, a.started_at, a.duration_ms, a.outcome, null, a.response_status, a.response_body
from attempts_before a
where not exists (
    select from deliveries d where d.account_id = a.account_id and d.delivery_id = a.delivery_id and d.attempts = a.attempt
);
drop table events_before, deliveries_before, attempts_before;
delete from jobs where kind = 'deliver';

-- Processes that deliver. Whose lease is over holds no endpoint any more, and cannot renew it.
create table delivery_workers (
    holder uuid not null,
    leased_until timestamptz not null,
    constraint delivery_workers_pkey primary key (holder)
) with (fillfactor = 50);

-- Who delivers to an endpoint, one process at a time, and how the endpoint does. A row comes with the first delivery.
create table endpoint_lanes (
    endpoint_id uuid not null,
    account_id uuid not null,
    holder uuid,
    -- Until then nothing is sent; after that, one delivery to see whether it answers again. Null: the circuit is closed.
    open_until timestamptz,
    -- How often in a row the circuit has opened.
    opens integer not null default 0,
    -- Since when every attempt has failed.
    failing_since timestamptz,
    constraint endpoint_lanes_pkey primary key (endpoint_id)
) with (fillfactor = 50);
