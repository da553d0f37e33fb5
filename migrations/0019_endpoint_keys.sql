-- What endpoints are signed with, in a table of its own: both schemes of the specification, and keys that sign beside each other while one
-- is replaced. And the last of the operational events, told to endpoints that name them only.
alter type event_type add value 'call.erased';
alter type event_type add value 'delivery.exhausted';
alter type event_type add value 'endpoint.disabled';

create type signature_scheme as enum ('v1', 'v1a');

-- Which of an endpoint's keys sign.
alter table endpoints add column signatures signature_scheme[] not null default '{v1}';
alter table endpoints add constraint endpoints_signs check (cardinality(signatures) > 0);

-- What an endpoint's webhooks are signed with: of each scheme one that is present, and those that were rotated and sign beside it until they
-- expire.
create table endpoint_keys (
    account_id uuid not null,
    endpoint_id uuid not null,
    key_id uuid not null,
    scheme signature_scheme not null,
    sealed_key bytea not null,
    -- What receivers verify `v1a` with; `v1` has nothing that may be shown.
    public_key text,
    created_at timestamptz not null default now(),
    -- Null: the present one.
    expires_at timestamptz,
    constraint endpoint_keys_pkey primary key (account_id, endpoint_id, key_id),
    constraint endpoint_keys_public_is_v1a check ((public_key is not null) = (scheme = 'v1a')),
    constraint endpoint_keys_endpoint_fkey foreign key (account_id, endpoint_id)
        references endpoints (account_id, endpoint_id) on delete cascade
);
create unique index endpoint_keys_present on endpoint_keys (account_id, endpoint_id, scheme) where expires_at is null;

insert into endpoint_keys (account_id, endpoint_id, key_id, scheme, sealed_key, created_at)
select account_id, endpoint_id, gen_random_uuid(), 'v1', sealed_secret, created_at from endpoints;

alter table endpoints drop column sealed_secret;
