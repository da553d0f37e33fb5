//! The database server itself: what it is, and what its settings promise of a commit.

use sqlx::PgExecutor;

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, as it writes it.
    pub version: String,
    /// `fsync`: writes reach the disk.
    pub fsync: String,
    /// `full_page_writes`: a torn page can be mended.
    pub full_page_writes: String,
    /// `synchronous_commit`: how far a commit has got when it is acknowledged.
    pub synchronous_commit: String,
    /// `synchronous_standby_names`: who must have it, too.
    pub synchronous_standby_names: String,
    /// Whether it is a standby: nothing can be written to it.
    pub in_recovery: bool,
}

/// The settings may lose what was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database may lose what it has acknowledged: {setting} is {value}; turn it on, or set ONHOOK_ALLOW_WEAK_DURABILITY=1"
)]
pub struct Weak {
    /// Which setting.
    pub setting: &'static str,
    /// What it is.
    pub value: String,
}

/// Asks the server.
pub async fn ask(db: impl PgExecutor<'_>) -> sqlx::Result<Server> {
    sqlx::query_as!(
        Server,
        r#"select version() as "version!", current_setting('fsync') as "fsync!",
                  current_setting('full_page_writes') as "full_page_writes!",
                  current_setting('synchronous_commit') as "synchronous_commit!",
                  current_setting('synchronous_standby_names') as "synchronous_standby_names!",
                  pg_is_in_recovery() as "in_recovery!""#
    )
    .fetch_one(db)
    .await
}

/// The server's clock, in seconds since 1970.
pub async fn clock(db: impl PgExecutor<'_>) -> sqlx::Result<f64> {
    sqlx::query_scalar!(r#"select extract(epoch from clock_timestamp())::float8 as "clock!""#)
        .fetch_one(db)
        .await
}

impl Server {
    /// Refuses settings under which a commit can be lost with the server's machine still there.
    pub fn durable(&self) -> Result<(), Weak> {
        let weak = |setting, value: &str| {
            Err(Weak {
                setting,
                value: value.to_owned(),
            })
        };
        if self.fsync != "on" {
            return weak("fsync", &self.fsync);
        }
        if self.full_page_writes != "on" {
            return weak("full_page_writes", &self.full_page_writes);
        }
        if !matches!(self.synchronous_commit.as_str(), "on" | "remote_apply") {
            return weak("synchronous_commit", &self.synchronous_commit);
        }
        Ok(())
    }
}
