-- The rest of the documented Call object, and calls that are placed here. All of it is null until somebody sets it, and no
-- report names it: the insert of reports stays as narrow as it was.
create type placement_state as enum ('asking', 'placed', 'failed');

alter table calls
    -- What back ends keep, besides what is in 0002.
    add column cost numeric,
    add column price_unit text,
    -- Of the network, in milliseconds.
    add column latency integer,
    add column agent_task_status text,
    add column agent_task_feedback text,
    add column agent_post_call_outcomes jsonb,
    add column retry_at timestamptz,
    -- The customer's sentiment in the newest analysis; here for lists, the analysis itself is in `analyses`.
    add column analysis_sentiment text,
    -- How asking the provider to place the call stands; null for every call that was not placed here.
    add column placement placement_state;

-- Not validated: the columns are new, so there is no row that could be wrong, and a scan would hold up every report.
alter table calls
    add constraint calls_cost_bounds check (cost >= 0 and cost < 1000000000000 and scale(cost) <= 6) not valid,
    add constraint calls_price_unit_form check (price_unit ~ '^[A-Z]{3}$') not valid,
    add constraint calls_latency_bounds check (latency between 0 and 3600000) not valid,
    add constraint calls_agent_task_status_length check (length(agent_task_status) <= 255) not valid,
    add constraint calls_agent_task_feedback_length check (length(agent_task_feedback) <= 10000) not valid;

update calls set analysis_sentiment = newest.label
from (
    select distinct on (account_id, call_id) account_id, call_id, result #>> '{sentiment,label,customer}' as label
    from analyses order by account_id, call_id, revision desc
) as newest
where calls.account_id = newest.account_id and calls.call_id = newest.call_id and newest.label is not null;

-- How many calls an account has under way that were placed here. Holds live ones alone, so it is small, and reports of other
-- calls never touch it.
create index calls_placed_live on calls (account_id) where placement is not null and ended_at is null;

-- What answers the calls that are placed by a connection: a URL that the provider fetches, or an application of the
-- provider's. Without either, the connection places none.
alter table connections
    add column answer_url text,
    add column answer_application text,
    add constraint connections_one_answer check (answer_url is null or answer_application is null),
    add constraint connections_answer_url_length check (length(answer_url) <= 2048),
    add constraint connections_answer_application_length check (length(answer_application) between 1 and 255);
