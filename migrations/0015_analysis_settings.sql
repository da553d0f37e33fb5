-- What accounts want of their analyses; an account that says nothing has no row.
create table analysis_settings (
    account_id uuid not null,
    settings jsonb not null,
    updated_at timestamptz not null default now(),
    constraint analysis_settings_pkey primary key (account_id),
    constraint analysis_settings_account_fk foreign key (account_id) references accounts (account_id)
);
