//! Runs a command with `DATABASE_URL` set to a private, migrated database that is thrown away afterwards:
//! `cargo run --example with_postgres -- psql`. `./run sqlx` is the main user.
//!
//! The migrations are read when this runs, not when it is built, so one that was built before serves new queries.

use std::{
    env, fs,
    path::Path,
    process::{self, ExitCode},
};

use anyhow::Context as _;
use onhook::embedded::{Cluster, Durability, Settings};
use sqlx::{Connection as _, PgConnection, migrate::Migrator};
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().context("which command?")?;
    let data_dir = env::temp_dir().join(format!("onhook-tests-{}-command", process::id()));
    let cluster = Cluster::start(Settings {
        data_dir: data_dir.clone(),
        postgres_bin: env::var_os("ONHOOK_POSTGRES_BIN").map(Into::into),
        durability: Durability::ForTests,
    })
    .await?;
    let mut connection = PgConnection::connect_with(&cluster.connect_options()).await?;
    Migrator::new(Path::new("migrations"))
        .await?
        .run(&mut connection)
        .await?;
    connection.close().await?;

    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", cluster.url())
        .status()
        .await?;
    cluster.stop().await;
    fs::remove_dir_all(data_dir)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
