-- What lists of calls are found by, besides `calls_created` and `calls_updated`. See docs/lists.md.

-- Every three neighbouring characters of a text, in small letters, as numbers that differ from account to account: a text
-- that contains another has all of the other's. Two grams may share a number, so what is found must be looked at.
-- Indexes keep what this says: it must never be changed. Not `pg_trgm`, because not every server has that.
create function search_grams(account_id uuid, text text) returns bigint[]
    language sql immutable strict parallel safe cost 5000
    begin atomic
        select coalesce(array_agg(distinct hashtextextended(gram, uuid_hash(account_id))), '{}')
        from (select c || lead(c) over neighbours || lead(c, 2) over neighbours
              from string_to_table(lower(text), null) with ordinality as letters (c, n)
              window neighbours as (order by n)) as grams (gram)
        where gram is not null;
    end;

-- By callee and by caller, newest last; `C` is the order of code points on every server.
create index calls_to on calls (account_id, (coalesce(to_number, '') collate "C"), created_at, call_id);
create index calls_from on calls (account_id, (coalesce(from_number, '') collate "C"), created_at, call_id);
-- Those that are rare among all, or that reports never set: they cost nothing where a call's end is taken in.
create index calls_live on calls (account_id, created_at, call_id) where state in ('queued', 'ringing', 'in_progress');
create index calls_campaign on calls (account_id, campaign_id, created_at, call_id) where campaign_id is not null;
create index calls_agent on calls (account_id, ai_agent_id, created_at, call_id) where ai_agent_id is not null;
create index calls_contact on calls (account_id, contact_id, created_at, call_id) where contact_id is not null;
-- What calls that were placed here are called: the others are in `call_names`.
create index calls_placed on calls (account_id, provider_call_id) where placement is not null;
create index calls_words on calls
    using gin (search_grams(account_id, coalesce(notes, '') || e'\n' || coalesce(call_feedback, '')))
    where notes is not null or call_feedback is not null;
create index transcripts_words on transcripts using gin (search_grams(account_id, text));
-- The planner has no use for statistics of grams, and they would take long to make.
alter index calls_words alter column 1 set statistics 0;
alter index transcripts_words alter column 1 set statistics 0;

-- The numbers that calls have, each once: what stands within a number is looked up here, and the calls by the number. Far
-- fewer than there are calls, and the statement that saves calls looks up what it saves, so a report of a known number
-- writes nothing. Two that bring the same new number at once may both write it, which does no harm; that they need not wait
-- for each other is worth more. A number may stay that no call has any more.
create table call_numbers (
    account_id uuid not null,
    -- Whether it is a callee's.
    called boolean not null,
    number text not null,
    constraint call_numbers_length check (length(number) between 1 and 255)
);

insert into call_numbers (account_id, called, number)
select account_id, true, to_number from calls where to_number is not null
union
select account_id, false, from_number from calls where from_number is not null;

create index call_numbers_number on call_numbers (account_id, (number collate "C"), called);
-- A short list of what is not yet sorted in: reports are to wait for it shortly, not seldom.
create index call_numbers_grams on call_numbers using gin (search_grams(account_id, number))
    with (gin_pending_list_limit = 256);
alter index call_numbers_grams alter column 1 set statistics 0;
