-- What is erased on request, and what that leaves behind.

-- Told to endpoints that name it, and to no other.
alter type event_type add value if not exists 'call.erased';

create type erasure_subject as enum ('call', 'phone_number', 'email');
create type erasure_stage as enum ('finding', 'purging', 'finishing', 'completed');

-- Erasures, and their receipts once they are completed: counts, times and a digest.
create table erasures (
    account_id uuid not null,
    erasure_id uuid not null,
    subject erasure_subject not null,
    -- HMAC-SHA256 under a key that is not in the database: who has the subject and the key can tell that it was this one.
    subject_digest bytea not null,
    -- The subject itself, sealed, for as long as it is looked for.
    sealed_subject bytea,
    stage erasure_stage not null default 'finding',
    -- The key that asked; null for whoever used the command line or a JWT.
    requested_by uuid,
    -- The last call that was looked at, and how many were.
    place uuid,
    looked_at bigint not null default 0,
    -- Calls that are gone from every list and look-up, and those of which nothing is left.
    found bigint not null default 0,
    erased bigint not null default 0,
    -- Rows that were removed, by kind.
    removed jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    constraint erasures_pkey primary key (account_id, erasure_id),
    constraint erasures_digest_length check (length(subject_digest) = 32),
    constraint erasures_completed_forgets check
        ((stage = 'completed') = (completed_at is not null) and (stage = 'completed') = (sealed_subject is null))
);
-- Asked for twice, an erasure is made once.
create unique index erasures_open on erasures (account_id, subject, subject_digest) where stage <> 'completed';
create index erasures_subject on erasures (account_id, subject, subject_digest, erasure_id);

-- The calls of erasures that are not completed: what is still to be purged of each. Gone with the last of the erasure.
create table erasing_calls (
    account_id uuid not null,
    erasure_id uuid not null,
    call_id uuid not null,
    -- For the list of numbers: whether others still have them is looked at in the end.
    from_number text,
    to_number text,
    -- Nobody but telephony has named it, so it had one name.
    is_plain boolean not null,
    purged boolean not null default false,
    constraint erasing_calls_pkey primary key (account_id, erasure_id, call_id)
);
create index erasing_calls_left on erasing_calls (account_id, erasure_id, call_id) where not purged;

-- Tombstones: what erased calls were called, so that a late report of one does not make it anew. Hashes, and for a while only.
create table erased_names (
    account_id uuid not null,
    digest bytea not null,
    erased_at timestamptz not null default now(),
    constraint erased_names_pkey primary key (account_id, digest),
    constraint erased_names_digest_length check (length(digest) = 32)
);
create index erased_names_age on erased_names (erased_at);

-- The account is hashed with the name, so that equal names of two accounts have nothing in common.
create function call_name_digest(account_id uuid, namespace text, name text) returns bytea
    language sql stable strict parallel safe
    return sha256(convert_to(account_id || '/' || namespace || '/' || name, 'UTF8'));

-- Which of these names are erased calls'. Volatile on purpose: its query has a snapshot of its own, taken when it is called, so
-- that a statement which has just written names sees the tombstones of whoever removed them a moment before.
create function erased_among(accounts uuid[], namespaces text[], names text[])
    returns table (account_id uuid, namespace text, name text)
    language plpgsql volatile rows 1
as $$
#variable_conflict use_column
begin
    if accounts is null or not exists (select from erased_names where account_id = any (accounts)) then
        return;
    end if;
    return query
        select asked.account_id, asked.namespace, asked.name
        from unnest(accounts, namespaces, names) as asked (account_id, namespace, name)
        cross join lateral (
            select from erased_names
            where erased_names.account_id = asked.account_id
              and erased_names.digest = call_name_digest(asked.account_id, asked.namespace, asked.name)
            limit 1
        ) as known;
end $$;
