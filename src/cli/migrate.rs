//! `onhook migrate`: brings the schema up to date.

use super::{Session, print};
use crate::store::{self, pool, schema};

/// Migrates, and says what the schema is now.
pub(super) async fn run(session: &Session) -> anyhow::Result<()> {
    pool::migrate(&session.options).await?;
    let found = store::ask(Box::pin(async {
        let mut conn = session.db.acquire().await?;
        schema::look(&mut conn).await
    }))
    .await?;
    let version = found.version.unwrap_or_default();
    print(&format_args!("the schema is at {version}, up to date"))?;
    Ok(())
}
