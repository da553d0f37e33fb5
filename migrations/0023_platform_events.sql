-- What subscriptions of /platform/v1/webhooks are told, and endpoints that name it: the voice call as staff systems see it.
alter type event_type add value if not exists 'voice_call/create';
alter type event_type add value if not exists 'voice_call/update';
