//! The table of settings: what `docs/configuration.md` and `.env.example` are made from, and the names that
//! [`super::Config::parse`] knows. A setting that is not here does not exist.

mod language_model;
mod pages;
mod recordings;
mod retention;

pub(super) use language_model::{
    LLM_ANSWER_TOKENS, LLM_ANSWER_TOKENS_PARAMETER, LLM_API_KEY, LLM_CONTEXT_TOKENS, LLM_MODEL,
    LLM_TEMPERATURE, LLM_TIMEOUT_S, LLM_URL,
};
pub use pages::{env_example, markdown};
pub(super) use recordings::{
    RECORDING_BYTES_MAX, RECORDING_TIMEOUT_S, STT_API_KEY, STT_KIND, STT_MODEL, STT_TIMEOUT_S,
    STT_URL,
};
pub(super) use retention::{
    RETENTION_ATTEMPT_DAYS, RETENTION_CALL_DAYS, RETENTION_PAYLOAD_DAYS, RETENTION_RECEIPT_DAYS,
    RETENTION_RECORDING_DAYS, RETENTION_TRANSCRIPT_DAYS, TOMBSTONE_DAYS,
};

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The name of the environment variable.
    pub name: &'static str,
    /// What it is when it is not given.
    pub default: Default,
    /// What a value must be: completes the sentence "must be …".
    pub form: &'static str,
    /// What it does, for the operator.
    pub meaning: &'static str,
    /// Whether its value may be shown.
    pub secrecy: Secrecy,
}

/// What a setting is when it is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This value, read like one that was given.
    Value(&'static str),
    /// Absent, which means this.
    Absent(&'static str),
}

/// Whether a value may be shown in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// It may.
    Plain,
    /// It may not; and `<name>_FILE` may name a file that holds it.
    Secret,
}

const fn plain(
    name: &'static str,
    default: Default,
    form: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        form,
        meaning,
        secrecy: Secrecy::Plain,
    }
}

const fn secret(
    name: &'static str,
    absent: &'static str,
    form: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default: Default::Absent(absent),
        form,
        meaning,
        secrecy: Secrecy::Secret,
    }
}

pub(super) const LISTEN: Setting = plain(
    "ONHOOK_LISTEN",
    Default::Value("127.0.0.1:8080"),
    "an IP address and a port, like 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080",
    "Where the HTTP listener binds. The API, `/livez`, `/readyz` and `/metrics` are all here; put a proxy that ends TLS \
     in front, and let it keep `/metrics` inside.",
);
pub(super) const PUBLIC_URL: Setting = plain(
    "ONHOOK_PUBLIC_URL",
    Default::Absent("`http://` and the listen address"),
    "an absolute http or https URL without query, fragment or credentials, like https://calls.example.com",
    "The URL by which the world reaches this service. Providers sign it, so it must be exactly what they were given; it is never \
     taken from a request.",
);
pub(super) const BASE_DOMAIN: Setting = plain(
    "ONHOOK_BASE_DOMAIN",
    Default::Absent("every voip post without a key is the account `default`'s"),
    "a domain name without a port, like example.com",
    "With it, `{account}.{base domain}` in the Host header names the account of a voip post that carries no key.",
);
pub(super) const DATABASE_URL: Setting = secret(
    "DATABASE_URL",
    "a private PostgreSQL of onhook's own, under the data directory",
    "a PostgreSQL URL, like postgres://onhook:password@db.example.com/onhook?sslmode=verify-full",
    "The database, PostgreSQL 15 or newer.",
);
pub(super) const DATABASE_CONNECTIONS: Setting = plain(
    "ONHOOK_DATABASE_CONNECTIONS",
    Default::Value("16"),
    "a whole number from 2 to 1000",
    "How many database connections one process opens at most. All replicas together must stay below the server's \
     `max_connections`.",
);
pub(super) const ALLOW_WEAK_DURABILITY: Setting = plain(
    "ONHOOK_ALLOW_WEAK_DURABILITY",
    Default::Value("no"),
    "yes or no",
    "Start although the database runs with `fsync`, `full_page_writes` or `synchronous_commit` off. What was acknowledged may \
     then be lost with the database's host; for tests and trials.",
);
pub(super) const DATA_DIR: Setting = plain(
    "ONHOOK_DATA_DIR",
    Default::Value("./data"),
    "a path",
    "Where the private PostgreSQL and, with it, the secret key file live. Not used when DATABASE_URL and ONHOOK_SECRET_KEY are given.",
);
pub(super) const POSTGRES_BIN: Setting = plain(
    "ONHOOK_POSTGRES_BIN",
    Default::Absent("searched for on PATH and where distributions put it"),
    "a path",
    "The folder with `postgres` and `initdb` for the private PostgreSQL.",
);
pub(super) const SECRET_KEY: Setting = secret(
    "ONHOOK_SECRET_KEY",
    "`secret.key` in the data directory, made at the first start (mode 0600); required with DATABASE_URL",
    "32 random bytes in base64 or hex, as `openssl rand -base64 32` prints; several for rotation, separated by commas",
    "Seals stored provider credentials and webhook secrets. The first key seals, all of them open. Keep a copy apart from the \
     database's backups: without it they cannot be opened.",
);
pub(super) const EGRESS_ALLOW: Setting = plain(
    "ONHOOK_EGRESS_ALLOW",
    Default::Absent("none"),
    "address ranges separated by commas, like 10.1.0.0/16,fd00::/8",
    "Inside addresses to which webhooks and other outgoing requests may go. Without it loopback, private, link-local and other \
     special addresses are refused.",
);
pub(super) const JWT_ALGORITHM: Setting = plain(
    "ONHOOK_JWT_ALGORITHM",
    Default::Absent("only API keys are accepted"),
    "HS256, RS256, ES256 or EdDSA",
    "Accept JSON Web Tokens signed with exactly this algorithm, beside API keys. The other three JWT settings are then required.",
);
pub(super) const JWT_KEY: Setting = secret(
    "ONHOOK_JWT_KEY",
    "only API keys are accepted",
    "the issuer's public key in PEM, or for HS256 a shared secret of at least 32 bytes",
    "What verifies a token's signature.",
);
pub(super) const JWT_ISSUER: Setting = plain(
    "ONHOOK_JWT_ISSUER",
    Default::Absent("only API keys are accepted"),
    "the `iss` claim of your tokens",
    "The only issuer whose tokens are accepted.",
);
pub(super) const JWT_AUDIENCE: Setting = plain(
    "ONHOOK_JWT_AUDIENCE",
    Default::Absent("only API keys are accepted"),
    "the `aud` claim of tokens meant for this service",
    "A token must name this audience.",
);
pub(super) const WORKERS: Setting = plain(
    "ONHOOK_WORKERS",
    Default::Value("16"),
    "a whole number from 1 to 1000",
    "How many jobs (analyses, hang-ups) one process works on at the same time; half of it, 8 at most, for one \
     connection. Recordings, and questions to a language model, wait long and take none of these: half as many of each, 8 at most, \
     are worked on beside them, so that any number here does.",
);
pub(super) const WEBHOOK_SLOTS: Setting = plain(
    "ONHOOK_WEBHOOK_SLOTS",
    Default::Value("256"),
    "a whole number from 2 to 10000",
    "How many webhooks one process sends at the same time; at most 10 to one endpoint that sets no `max_concurrency`, and half of all \
     to endpoints that take more than a second to answer.",
);
pub(super) const INGEST_QUEUE: Setting = plain(
    "ONHOOK_INGEST_QUEUE",
    Default::Value("4096"),
    "a whole number from 1 to 1000000",
    "How many reports may wait for their commit. When it is full, reports are answered 503 with `Retry-After`.",
);
pub(super) const CONNECTIONS_PER_IP: Setting = plain(
    "ONHOOK_CONNECTIONS_PER_IP",
    Default::Value("256"),
    "a whole number from 0 to 100000; 0 is no bound",
    "How many of a process's 1,024 connections one client address (or /64 of IPv6) may hold; further ones are closed at once. A \
     quarter, so that no address can take them all, and enough for a proxy, whose address is everybody's: raise it for a proxy \
     that opens more. This machine's own address has no bound.",
);
pub(super) const REQUESTS_PER_KEY: Setting = plain(
    "ONHOOK_REQUESTS_PER_KEY",
    Default::Value("6000"),
    "a whole number from 0 to 1000000; 0 is no bound",
    "How many requests a minute may be made with one key (or by one subject of a JWT) in one process, but for voip posts. \
     Further ones are answered 429 with `Retry-After`; every answer has `RateLimit` and `RateLimit-Policy`.",
);
pub(super) const REPORTS_PER_KEY: Setting = plain(
    "ONHOOK_REPORTS_PER_KEY",
    Default::Value("0"),
    "a whole number from 0 to 1000000; 0 is no bound",
    "How many voip posts a minute may be made with one key in one process. Telephony gives up what it may not say, so there is \
     no bound but ONHOOK_INGEST_QUEUE unless you set one.",
);
pub(super) const REPORTS_PER_IP: Setting = plain(
    "ONHOOK_REPORTS_PER_IP",
    Default::Value("6000"),
    "a whole number from 0 to 1000000; 0 is no bound",
    "How many voip posts a minute one client address (or /64 of IPv6) may make without a key, for accounts that are open. This \
     machine's own address has no bound.",
);
pub(super) const REFUSALS_PER_IP: Setting = plain(
    "ONHOOK_REFUSALS_PER_IP",
    Default::Value("300"),
    "a whole number from 0 to 1000000; 0 is no bound",
    "How many bad credentials a minute one client address (or /64 of IPv6) may show. Further ones are answered 429 and not even \
     looked up, but for keys that were good within the last hour: behind a proxy others come from the same address. This \
     machine's own address has no bound.",
);
pub(super) const LIVE_CALLS_MAX: Setting = plain(
    "ONHOOK_LIVE_CALLS_MAX",
    Default::Value("50"),
    "a whole number from 0 to 100000; 0 places no calls",
    "How many calls of one account that were placed by `POST /calls/make-call` may be live at once. A bound on what a leaked key \
     or a loop can cost.",
);
pub(super) const RECONCILE_QUEUED_S: Setting = plain(
    "ONHOOK_RECONCILE_QUEUED_S",
    Default::Value("300"),
    "a whole number of seconds from 1 to 604800",
    "How long a call may wait in a queue without a sign of life before its provider is asked about it. If the provider says that it \
     is over, it is closed with what the provider says; if it says that it is live, it is left alone. docs/ending.md tells the whole.",
);
pub(super) const RECONCILE_RINGING_S: Setting = plain(
    "ONHOOK_RECONCILE_RINGING_S",
    Default::Value("180"),
    "a whole number of seconds from 1 to 604800",
    "The same for a call that rings.",
);
pub(super) const RECONCILE_IN_PROGRESS_S: Setting = plain(
    "ONHOOK_RECONCILE_IN_PROGRESS_S",
    Default::Value("900"),
    "a whole number of seconds from 1 to 604800",
    "The same for a call that is under way: asked about again and again for as long as it lasts.",
);
pub(super) const RECONCILE_UNKNOWN_S: Setting = plain(
    "ONHOOK_RECONCILE_UNKNOWN_S",
    Default::Value("600"),
    "a whole number of seconds from 1 to 604800",
    "For how long a provider must say, at least three times in a row, that it knows no such call before the call is closed as \
     `failed`, for the reason `lost`.",
);
pub(super) const RECONCILE_LOST_S: Setting = plain(
    "ONHOOK_RECONCILE_LOST_S",
    Default::Value("86400"),
    "a whole number of seconds from 1 to 604800",
    "How long after its last sign of life a call is closed as `failed`, for the reason `lost`, about which nobody can be asked: it was \
     reported without a connection, or its connection is gone or has not answered since. Above the longest call that you expect.",
);
pub(super) const RECONCILE_PER_SECOND: Setting = plain(
    "ONHOOK_RECONCILE_PER_SECOND",
    Default::Value("5"),
    "a whole number from 1 to 1000",
    "How many silent calls a second are asked about by one connection at most. Providers bound what they answer; leave room for ending \
     calls.",
);
pub(super) const SHUTDOWN_GRACE_S: Setting = plain(
    "ONHOOK_SHUTDOWN_GRACE_S",
    Default::Value("20"),
    "a whole number of seconds from 1 to 3600",
    "How long requests and jobs in flight may take to finish after SIGTERM. What is cut off then is done again by another worker.",
);
pub(super) const LOG: Setting = plain(
    "ONHOOK_LOG",
    Default::Absent("info,sqlx=warn; warn for commands other than `serve`"),
    "a filter like info, or warn,onhook=debug",
    "What is logged, to standard error: a level, or levels by module. Requests that succeeded are logged at \
     `onhook::api::observe=debug`.",
);
pub(super) const LOG_FORMAT: Setting = plain(
    "ONHOOK_LOG_FORMAT",
    Default::Absent("text on a terminal, else json"),
    "text or json",
    "How log lines look.",
);

pub(super) const CONNECTION_SECRET: Setting = secret(
    "ONHOOK_CONNECTION_SECRET",
    "read from standard input",
    "a provider's secret: an Auth Token, or the secret of an API key",
    "For `onhook connection add` and `rotate` alone: the secret of the connection. It is never an argument, which other users of \
     the machine could see.",
);
pub(super) const CONNECTION_SIGNING_SECRET: Setting = secret(
    "ONHOOK_CONNECTION_SIGNING_SECRET",
    "the secret itself, where the provider signs with it",
    "what a provider signs its callbacks with, such as Twilio's Auth Token",
    "For `onhook connection add` and `rotate` alone: what the vendor signs with, where that is another secret.",
);

/// Every setting, in the order of the documentation.
pub const SETTINGS: [Setting; 56] = [
    LISTEN,
    PUBLIC_URL,
    BASE_DOMAIN,
    DATABASE_URL,
    DATABASE_CONNECTIONS,
    ALLOW_WEAK_DURABILITY,
    DATA_DIR,
    POSTGRES_BIN,
    SECRET_KEY,
    EGRESS_ALLOW,
    JWT_ALGORITHM,
    JWT_KEY,
    JWT_ISSUER,
    JWT_AUDIENCE,
    WORKERS,
    WEBHOOK_SLOTS,
    INGEST_QUEUE,
    CONNECTIONS_PER_IP,
    REQUESTS_PER_KEY,
    REPORTS_PER_KEY,
    REPORTS_PER_IP,
    REFUSALS_PER_IP,
    LIVE_CALLS_MAX,
    RECONCILE_QUEUED_S,
    RECONCILE_RINGING_S,
    RECONCILE_IN_PROGRESS_S,
    RECONCILE_UNKNOWN_S,
    RECONCILE_LOST_S,
    RECONCILE_PER_SECOND,
    LLM_URL,
    LLM_API_KEY,
    LLM_MODEL,
    LLM_TIMEOUT_S,
    LLM_CONTEXT_TOKENS,
    LLM_ANSWER_TOKENS,
    LLM_ANSWER_TOKENS_PARAMETER,
    LLM_TEMPERATURE,
    RECORDING_BYTES_MAX,
    RECORDING_TIMEOUT_S,
    STT_URL,
    STT_KIND,
    STT_API_KEY,
    STT_MODEL,
    STT_TIMEOUT_S,
    TOMBSTONE_DAYS,
    RETENTION_PAYLOAD_DAYS,
    RETENTION_ATTEMPT_DAYS,
    RETENTION_RECEIPT_DAYS,
    RETENTION_TRANSCRIPT_DAYS,
    RETENTION_RECORDING_DAYS,
    RETENTION_CALL_DAYS,
    SHUTDOWN_GRACE_S,
    LOG,
    LOG_FORMAT,
    CONNECTION_SECRET,
    CONNECTION_SIGNING_SECRET,
];
