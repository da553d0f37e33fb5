-- What a key reads of what was said on calls; null: what the account's settings say.
create type transcript_access as enum ('raw', 'redacted');
alter table api_keys add column transcripts transcript_access;
