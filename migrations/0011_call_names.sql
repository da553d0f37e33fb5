-- No query goes from a call to its names, and every new call paid for the index.
drop index call_names_call;
