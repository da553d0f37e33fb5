//! Whether the schema is the one that this binary knows.

use std::collections::BTreeSet;

use sqlx::{
    PgConnection,
    migrate::{Migrate as _, MigrateError},
};

use super::pool;

/// The schema of a database, seen from this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The newest migration that was applied; absent in an empty database.
    pub version: Option<i64>,
    /// The migrations of this binary that were not.
    pub pending: Vec<i64>,
    /// Migrations that were applied and that only a newer binary knows.
    pub newer: usize,
}

impl Schema {
    /// Whether everything that this binary needs is there.
    pub fn is_current(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Looks at what was applied. Changes nothing, also in a database that was never migrated.
pub async fn look(conn: &mut PgConnection) -> sqlx::Result<Schema> {
    let migrator = pool::migrator();
    let applied: BTreeSet<i64> = match conn.list_applied_migrations(&migrator.table_name).await {
        Ok(applied) => applied.into_iter().map(|one| one.version).collect(),
        Err(error) if is_never_migrated(&error) => BTreeSet::new(),
        Err(MigrateError::Execute(error)) => return Err(error),
        Err(error) => return Err(sqlx::Error::Migrate(Box::new(error))),
    };
    let known: BTreeSet<i64> = migrator.iter().map(|one| one.version).collect();
    Ok(Schema {
        version: applied.last().copied(),
        pending: known.difference(&applied).copied().collect(),
        newer: applied.difference(&known).count(),
    })
}

/// The table of migrations is not there.
fn is_never_migrated(error: &MigrateError) -> bool {
    let MigrateError::Execute(sqlx::Error::Database(error)) = error else {
        return false;
    };
    error.code().as_deref() == Some("42P01")
}
