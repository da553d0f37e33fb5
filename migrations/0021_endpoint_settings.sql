-- What can be set of an endpoint, and why one is disabled as a word.
create type endpoint_kind as enum ('standard', 'platform');
create type endpoint_disabled_reason as enum ('manual', 'gone', 'failing');

alter table endpoints drop constraint endpoints_disabled_says_why;
alter table endpoints
    alter column disabled_reason type endpoint_disabled_reason
        using case when disabled_reason like '%410%' then 'gone'::endpoint_disabled_reason
                   when disabled_reason is not null then 'failing' end,
    -- Words, some of which stand for several types: which word is known is the binary's to say.
    alter column event_types drop default,
    alter column event_types type text[] using event_types::text[],
    alter column event_types set default '{}',
    add column kind endpoint_kind not null default 'standard',
    -- The account's own headers and its credential there, together; beside them what may be shown of them.
    add column sealed_headers bytea,
    add column header_names text[] not null default '{}',
    add column authorization_type text,
    -- Bounds that the endpoint asks for; null: the service's own.
    add column max_per_second integer,
    add column max_concurrency integer,
    add constraint endpoints_disabled_says_why check ((state = 'disabled') = (disabled_reason is not null)),
    add constraint endpoints_headers_are_sealed check
        ((sealed_headers is not null) = (cardinality(header_names) > 0 or authorization_type is not null)),
    add constraint endpoints_headers_bound check (cardinality(header_names) <= 20),
    add constraint endpoints_authorization_type check (authorization_type in ('bearer', 'basic')),
    add constraint endpoints_rate_bounds check (max_per_second between 1 and 1000),
    add constraint endpoints_concurrency_bounds check (max_concurrency between 1 and 100);
