-- What an account keeps of its connections besides, and how their credentials are rotated.
alter table connections
    add column label text,
    -- How long a call by this connection may last, in seconds; null: it sets no limit of its own.
    add column max_duration_s integer,
    -- The credentials before the last rotation, sealed for this row. What the vendor signed with them is taken until then.
    add column sealed_former_credentials bytea,
    add column former_until timestamptz,
    add column updated_at timestamptz not null default now(),
    add constraint connections_label_length check (length(label) between 1 and 100),
    add constraint connections_max_duration_bounds check (max_duration_s between 1 and 604800),
    add constraint connections_former_is_for_a_while check
        ((sealed_former_credentials is null) = (former_until is null));

update connections set updated_at = created_at;

-- The numbers of one connection; also what a connection's removal looks for.
create index numbers_connection on numbers (account_id, connection_id, number);
-- The live calls of a room, when its server says that it is over.
create index calls_room on calls (account_id, room_connection_id, room_name)
    where room_name is not null and state in ('queued', 'ringing', 'in_progress');
-- Endings that still need their connection, or did not get what they needed of it.
create index terminations_unfinished on terminations (account_id, connection_id, call_id)
    where state in ('pending', 'failed');
