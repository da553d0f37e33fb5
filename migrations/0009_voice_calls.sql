-- What the voice-calls surface keeps besides, whose calls a client's key may read, and indexes for the lists that the
-- documentation recommends. They are partial: a call that only telephony has reported is in none of them, so that they
-- cost its reports nothing.
alter table api_keys
    add column client_uid text,
    add constraint api_keys_client_uid_length check (length(client_uid) between 1 and 255);

-- Not validated: the columns are new, so there is no row to look at.
alter table calls
    add column recording_played boolean not null default false,
    add column recording_size_bytes integer,
    add constraint calls_recording_size_bounds check (recording_size_bytes >= 0) not valid;

create index calls_client on calls (account_id, client_uid, updated_at desc, call_id desc) where client_uid is not null;
create index calls_staff on calls (account_id, staff_uid, updated_at desc, call_id desc) where staff_uid is not null;
create index calls_source on calls (account_id, source_id) where source_id is not null;
create index calls_recording on calls (account_id, recording_id) where recording_id is not null;
