//! Every test of the service, in one binary: each binary would link the whole of it again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod alive;
mod analysis;
mod analysis_pure;
mod analysis_run;
mod app;
mod architecture;
mod auth;
mod call_filter_cases;
mod call_filters;
mod call_object;
mod call_search;
mod call_seed;
mod call_sorts;
mod calls;
mod canary;
mod cli;
mod cluster;
mod config;
mod connection_cli;
mod connections;
mod contract;
mod contract_calls;
mod deadline;
mod egress;
mod embedded;
mod ending;
mod event_socket;
mod export;
mod extract;
mod first_start;
mod form_signature;
mod guard;
mod health;
mod hearing;
mod idempotency;
mod inbound;
mod ingest;
mod jambonz_inbound;
mod jwt;
mod kill;
mod lifecycle;
mod limits;
mod list_plans;
mod managing;
mod migrations;
mod openapi;
mod openapi_examples;
mod openapi_refusals;
mod partition;
mod party;
mod placing;
mod plivo_inbound;
mod problems;
mod provider_double;
mod queue;
mod receiver;
mod room_webhooks;
mod rooms;
mod serve;
mod service;
mod signalwire_inbound;
mod simulate;
mod sip;
mod start;
mod telnyx_inbound;
mod transcript_formats;
mod transcript_parse;
mod twilio_inbound;
mod vendor_conformance;
mod voice_call_update;
mod voice_calls;
mod voip;
mod voip_parse;
mod voip_table;
mod vonage_inbound;
mod walls;
mod webhooks;
