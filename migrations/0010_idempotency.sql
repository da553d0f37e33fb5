-- What was answered to a request with an `Idempotency-Key`, for a day. No foreign key to accounts: see the hot path.
create table idempotency_keys (
    account_id uuid not null,
    -- SHA-256 of who asked (the credential), the method, the path and the key: keys may say more than we want to keep.
    name bytea not null,
    -- SHA-256 of the query and the body: another payload under the same key is refused.
    fingerprint bytea not null,
    -- The id of what the request makes. A request that is made again after its process died makes it under the same id, so
    -- that what was committed is found instead of made twice.
    resource_id uuid not null,
    -- Who works on it, and until when nobody else may; of no meaning once there is an answer.
    lease uuid not null,
    leased_until timestamptz not null,
    -- Sealed: answers hold signing secrets and the numbers of people.
    sealed_answer bytea,
    expires_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (account_id, name),
    constraint idempotency_keys_name_length check (length(name) = 32),
    constraint idempotency_keys_fingerprint_length check (length(fingerprint) = 32)
);

create index idempotency_keys_expires on idempotency_keys (expires_at);
