//! Every setting, typed, from the environment. Nothing else reads it, and nothing starts on a bad setting: all of them are
//! named at once, each with its remedy.
//!
//! [`setting`] is the table that the documentation is made from; [`mod@secret_key`] makes the key file of the embedded default.

use std::{
    ffi::OsString,
    fmt,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::{
    api::{auth::jwt, limits::RateLimits},
    calls::reconcile,
    domain::{
        reconcile::{FIRST_RETRY, Patience},
        retention::{Days, Windows},
    },
    egress::address::AddressPolicy,
    llm,
    recordings::{fetch, speech},
    seal::{NotKeys, SealingKey},
};

mod language_model;
mod reader;
mod recordings;
pub mod secret_key;
pub mod setting;

use language_model::language_model;
pub use reader::Problems;
use reader::Reader;
use secret_key::SecretKey;
use setting::Setting;

/// The settings of one process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the HTTP listener binds.
    pub listen: SocketAddr,
    /// How the world reaches us, without a trailing slash.
    pub public_url: Arc<str>,
    /// `{account}.{base_domain}` names the account of an open voip post.
    pub base_domain: Option<Arc<str>>,
    /// Where calls are kept.
    pub database: Database,
    /// How many connections the pool opens at most.
    pub database_connections: u32,
    /// Whether a database that may lose what it acknowledged is good enough.
    pub durability: Durability,
    /// The folder of the embedded default.
    pub data_dir: PathBuf,
    /// What seals stored secrets.
    pub secret_key: SecretKey,
    /// Which addresses outgoing requests may reach.
    pub egress_policy: AddressPolicy,
    /// Verifies JSON Web Tokens, when they are accepted.
    pub jwt: Option<jwt::Verifier>,
    /// How many jobs run at once.
    pub workers: usize,
    /// Webhooks that are sent at the same time.
    pub webhook_slots: usize,
    /// How many reports may wait for their commit.
    pub ingest_queue: usize,
    /// How many connections one client address may hold; no bound if absent.
    pub connections_per_ip: Option<u32>,
    /// How many requests a client may make a minute.
    pub rate_limits: RateLimits,
    /// How many live calls an account may have that were placed here.
    pub live_calls_max: i64,
    /// How patient the reconciler is, and how much it asks.
    pub reconcile: reconcile::Settings,
    /// What fetching a recording may cost.
    pub recordings: fetch::Bounds,
    /// What writes recordings down, if anything.
    pub speech: Option<speech::Service>,
    /// For how many days tombstones of erased calls are kept.
    pub tombstone_days: i32,
    /// For how many days the rest is kept, where an account has not said so itself.
    pub retention: Windows,
    /// How long what is in flight may take after a stop.
    pub shutdown_grace: Duration,
    /// The language model that is asked about calls.
    pub llm: Option<llm::Service>,
    /// What is logged, and how.
    pub log: Log,
    /// The secrets of a connection that is to be added.
    pub connection: ConnectionSecrets,
}

/// The secrets of a connection that is to be added.
#[derive(Debug, Clone, Default)]
pub struct ConnectionSecrets {
    /// What proves who we are there.
    pub secret: Option<SecretString>,
    /// What the vendor signs with, where that is another secret.
    pub signing_secret: Option<SecretString>,
}

/// Where calls are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// In a server that somebody else runs.
    Given(DatabaseUrl),
    /// In a private server of our own under the data directory.
    Embedded {
        /// The folder with its programs, if it is not to be searched for.
        postgres_bin: Option<PathBuf>,
    },
}

/// How to reach a database; its `Debug` hides the password.
#[derive(Clone)]
pub struct DatabaseUrl(Arc<PgConnectOptions>);

/// Whether weak durability settings of the database are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync`, `full_page_writes` and `synchronous_commit` must be on.
    Required,
    /// Anything goes.
    WeakAllowed,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Log {
    /// A filter that `tracing_subscriber` reads.
    pub filter: Option<String>,
    /// How lines look; if absent, text on a terminal and JSON otherwise.
    pub format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

impl Config {
    /// The settings of this process.
    pub fn from_environment() -> Result<Self, Problems> {
        Self::parse(std::env::vars_os())
    }

    /// The settings among these variables. Only files that a `*_FILE` names are read besides.
    pub fn parse(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(variables);
        let listen = reader.value(setting::LISTEN, str::parse);
        let data_dir = reader.value(setting::DATA_DIR, str::parse::<PathBuf>);
        let config = Self {
            listen,
            public_url: reader
                .optional(setting::PUBLIC_URL, public_url)
                .unwrap_or_else(|| url_of(listen)),
            base_domain: reader.optional(setting::BASE_DOMAIN, base_domain),
            database: database(&mut reader),
            database_connections: reader.number(setting::DATABASE_CONNECTIONS, 2..=1000),
            durability: reader.value(setting::ALLOW_WEAK_DURABILITY, durability),
            secret_key: secret_key(&mut reader, &data_dir),
            data_dir,
            egress_policy: reader
                .optional(setting::EGRESS_ALLOW, AddressPolicy::parse)
                .unwrap_or_default(),
            jwt: verifier(&mut reader),
            workers: reader.number(setting::WORKERS, 1..=1000),
            webhook_slots: reader.number(setting::WEBHOOK_SLOTS, 2..=10_000),
            ingest_queue: reader.number(setting::INGEST_QUEUE, 1..=1_000_000),
            connections_per_ip: Some(reader.number(setting::CONNECTIONS_PER_IP, 0..=100_000))
                .filter(|bound| *bound > 0),
            rate_limits: rate_limits(&mut reader),
            live_calls_max: reader.number(setting::LIVE_CALLS_MAX, 0..=100_000),
            reconcile: reconciler(&mut reader),
            recordings: recordings::bounds(&mut reader),
            speech: recordings::speech(&mut reader),
            tombstone_days: reader.number(setting::TOMBSTONE_DAYS, 1..=36_500),
            retention: retention(&mut reader),
            shutdown_grace: Duration::from_secs(reader.number(setting::SHUTDOWN_GRACE_S, 1..=3600)),
            llm: language_model(&mut reader),
            log: Log {
                filter: reader.optional(setting::LOG, log_filter),
                format: reader.optional(setting::LOG_FORMAT, log_format),
            },
            connection: ConnectionSecrets {
                secret: secret(&mut reader, setting::CONNECTION_SECRET),
                signing_secret: secret(&mut reader, setting::CONNECTION_SIGNING_SECRET),
            },
        };
        reader.finish(config)
    }
}

impl DatabaseUrl {
    /// The database that these options lead to.
    pub fn new(options: PgConnectOptions) -> Self {
        Self(Arc::new(options))
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.0)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseUrl")
            .field("host", &self.0.get_host())
            .field("database", &self.0.get_database())
            .finish_non_exhaustive()
    }
}

fn database(reader: &mut Reader) -> Database {
    let postgres_bin = reader.optional(setting::POSTGRES_BIN, str::parse);
    match reader.optional(setting::DATABASE_URL, database_url) {
        Some(url) => Database::Given(url),
        None => Database::Embedded { postgres_bin },
    }
}

/// For how long things are kept where an account has not said so.
fn retention(reader: &mut Reader) -> Windows {
    let days = |reader: &mut Reader, setting| Some(reader.value(setting, str::parse::<Days>));
    let or_for_ever = |reader: &mut Reader, setting| reader.optional(setting, str::parse::<Days>);
    Windows {
        payload_days: days(reader, setting::RETENTION_PAYLOAD_DAYS),
        attempt_days: days(reader, setting::RETENTION_ATTEMPT_DAYS),
        receipt_days: days(reader, setting::RETENTION_RECEIPT_DAYS),
        transcript_days: or_for_ever(reader, setting::RETENTION_TRANSCRIPT_DAYS),
        recording_days: or_for_ever(reader, setting::RETENTION_RECORDING_DAYS),
        call_days: or_for_ever(reader, setting::RETENTION_CALL_DAYS),
    }
}

fn rate_limits(reader: &mut Reader) -> RateLimits {
    let mut bound = |setting| NonZeroU32::new(reader.number(setting, 0..=1_000_000));
    RateLimits {
        requests_per_key: bound(setting::REQUESTS_PER_KEY),
        reports_per_key: bound(setting::REPORTS_PER_KEY),
        reports_per_ip: bound(setting::REPORTS_PER_IP),
        refusals_per_ip: bound(setting::REFUSALS_PER_IP),
    }
}

fn reconciler(reader: &mut Reader) -> reconcile::Settings {
    let mut seconds = |setting| Duration::from_secs(reader.number(setting, 1..=604_800));
    let patience = Patience {
        queued: seconds(setting::RECONCILE_QUEUED_S),
        ringing: seconds(setting::RECONCILE_RINGING_S),
        in_progress: seconds(setting::RECONCILE_IN_PROGRESS_S),
        unknown: seconds(setting::RECONCILE_UNKNOWN_S),
        lost: seconds(setting::RECONCILE_LOST_S),
        retry: FIRST_RETRY,
    };
    reconcile::Settings {
        patience,
        per_second: reader.number(setting::RECONCILE_PER_SECOND, 1..=1000),
    }
}

fn secret_key(reader: &mut Reader, data_dir: &Path) -> SecretKey {
    if let Some(key) = reader.optional(setting::SECRET_KEY, sealing_key) {
        return SecretKey::Given(key);
    }
    // A key file beside one replica would be lost with it, or differ from the next one's.
    if reader.has(setting::DATABASE_URL) && !reader.has(setting::SECRET_KEY) {
        reader.problem(format!(
            "{}: is required with {}: set it to {}",
            setting::SECRET_KEY.name,
            setting::DATABASE_URL.name,
            setting::SECRET_KEY.form
        ));
    }
    SecretKey::in_dir(data_dir)
}

fn verifier(reader: &mut Reader) -> Option<jwt::Verifier> {
    let group = [
        setting::JWT_ALGORITHM,
        setting::JWT_KEY,
        setting::JWT_ISSUER,
        setting::JWT_AUDIENCE,
    ];
    if group.iter().any(|setting| reader.has(*setting)) {
        for setting in group {
            if !reader.has(setting) {
                reader.problem(format!(
                    "{}: is required once one of the JWT settings is given: set it to {}",
                    setting.name, setting.form
                ));
            }
        }
    }
    let algorithm = reader.optional(setting::JWT_ALGORITHM, jwt::Algorithm::parse);
    let issuer = reader.optional(setting::JWT_ISSUER, str::parse::<String>);
    let audience = reader.optional(setting::JWT_AUDIENCE, str::parse::<String>);
    let key = reader.optional(setting::JWT_KEY, |text| match algorithm {
        Some(algorithm) => jwt::Key::parse(algorithm, text).map(Some),
        None => Ok(None),
    });
    Some(jwt::Verifier::new(key??, &issuer?, &audience?))
}

fn secret(reader: &mut Reader, setting: Setting) -> Option<SecretString> {
    reader
        .optional(setting, str::parse::<String>)
        .map(SecretString::from)
}

fn url_of(listen: SocketAddr) -> Arc<str> {
    if listen.ip().is_unspecified() {
        format!("http://localhost:{}", listen.port()).into()
    } else {
        format!("http://{listen}").into()
    }
}

fn public_url(text: &str) -> Result<Arc<str>, &'static str> {
    Ok(bare_url(text)?.as_str().trim_end_matches('/').into())
}

/// A URL of scheme, host and path alone.
fn bare_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_error| "it is not a URL")?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
        return Err("it has another scheme, no host, or more than scheme, host and path");
    }
    Ok(url)
}

fn base_domain(text: &str) -> Result<Arc<str>, &'static str> {
    let domain = text.trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if domain.len() > 253 || !domain.split('.').all(label) {
        return Err("it is not a domain name");
    }
    Ok(domain.into())
}

fn database_url(text: &str) -> Result<DatabaseUrl, &'static str> {
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err("it does not start with postgres://");
    }
    // The parser's own message may quote the URL, and with it the password.
    let options: PgConnectOptions = text.parse().map_err(|_error| "it cannot be read")?;
    Ok(DatabaseUrl(Arc::new(options.application_name("onhook"))))
}

fn durability(text: &str) -> Result<Durability, &'static str> {
    match text {
        "no" | "0" | "false" => Ok(Durability::Required),
        "yes" | "1" | "true" => Ok(Durability::WeakAllowed),
        _ => Err("it is neither"),
    }
}

fn sealing_key(text: &str) -> Result<Arc<SealingKey>, NotKeys> {
    SealingKey::parse(&text.into()).map(Arc::new)
}

fn log_filter(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(text).map(|_filter| text.to_owned())
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it is neither"),
    }
}
