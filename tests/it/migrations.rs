//! Every migration runs forward on a database with data in it, and the newest binary reads what was there.
//!
//! The database is built migration by migration. After each, its file in `tests/fixtures/migrations` puts rows into every
//! table that it made or changed, in the shape of that time; the later migrations then run on these. A migration without
//! such a file fails here, and so does a file that leaves out a table or a new column. CONTRIBUTING.md says how to add one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use onhook::store::pool;
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::{app::TestApp, cluster::fresh_database};

mod reads;

/// What the catalogue says of each table: columns, constraints, indexes, triggers.
type Shape = BTreeMap<String, BTreeSet<String>>;

const SHAPE: &str = "
    select relname::text, format('column %I', attname) || format(' %s', format_type(atttypid, atttypmod))
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and attnum > 0 and not attisdropped
    union all
    select relname::text, pg_get_constraintdef(pg_constraint.oid)
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where connamespace = 'public'::regnamespace and not relispartition
    union all
    select relname::text, pg_get_indexdef(indexrelid)
    from pg_index join pg_class on pg_class.oid = indrelid
    where relnamespace = 'public'::regnamespace and not relispartition
    union all
    select relname::text, pg_get_triggerdef(pg_trigger.oid)
    from pg_trigger join pg_class on pg_class.oid = tgrelid where relnamespace = 'public'::regnamespace and not tgisinternal and not relispartition";

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/migrations")
}

/// The name of a migration's file, here and in `migrations/`.
fn file_name(migration: &Migration) -> String {
    let words = migration.description.replace(' ', "_");
    format!("{:04}_{words}.sql", migration.version)
}

async fn shape(conn: &mut PgConnection) -> Shape {
    let told: Vec<(String, String)> = sqlx::query_as(SHAPE).fetch_all(conn).await.unwrap();
    let mut shape = Shape::new();
    for (table, detail) in told {
        if table != "_sqlx_migrations" {
            shape.entry(table).or_default().insert(detail);
        }
    }
    shape
}

async fn count(conn: &mut PgConnection, rest: &str) -> i64 {
    let sql = format!("select count(*) from {rest}");
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(conn)
        .await
        .unwrap()
}

/// Runs one migration on what is there, then puts its own rows in.
async fn step(conn: &mut PgConnection, migration: &Migration) -> Result<(), String> {
    let name = file_name(migration);
    let before = shape(conn).await;
    run(conn, migration).await?;
    let rows = fs::read_to_string(fixtures().join(&name))
        .map_err(|error| format!("tests/fixtures/migrations/{name}: {error}"))?;
    fill(conn, &before, rows)
        .await
        .map_err(|fault| format!("tests/fixtures/migrations/{name} {fault}"))
}

async fn run(conn: &mut PgConnection, migration: &Migration) -> Result<(), String> {
    let mut migrator = Migrator::with_migrations(vec![migration.clone()]);
    migrator.set_ignore_missing(true);
    let ran = migrator.run(conn).await;
    ran.map_err(|error| format!("{} does not run on data: {error}", file_name(migration)))
}

/// Puts rows in: into every table that is another than `before`, and something into every column that is new.
async fn fill(conn: &mut PgConnection, before: &Shape, rows: String) -> Result<(), String> {
    let after = shape(conn).await;
    let mut changed = Vec::new();
    for (table, details) in &after {
        if before.get(table) != Some(details) {
            changed.push((table, details, count(conn, table).await));
        }
    }
    let filled = sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut *conn);
    filled
        .await
        .map_err(|error| format!("does not fit: {error}"))?;
    for (table, details, rows) in changed {
        if count(conn, table).await <= rows {
            return Err(format!("leaves out the table {table}"));
        }
        let known = before.get(table).cloned().unwrap_or_default();
        for detail in details.difference(&known) {
            let Some(column) = detail.strip_prefix("column ") else {
                continue;
            };
            let (column, _type) = column.split_once(' ').unwrap();
            if count(conn, &format!("{table} where {column} is not null")).await == 0 {
                return Err(format!("leaves out the column {column} of {table}"));
            }
        }
    }
    Ok(())
}

/// Runs these migrations on an empty database, each followed by its rows.
async fn build(conn: &mut PgConnection, migrations: &[Migration]) -> Result<(), String> {
    let empty = "drop schema public cascade; create schema public";
    sqlx::raw_sql(empty).execute(&mut *conn).await.unwrap();
    for migration in migrations {
        step(conn, migration).await?;
    }
    Ok(())
}

fn migrations() -> Vec<Migration> {
    pool::migrator().iter().cloned().collect()
}

fn made_up(sql: &'static str) -> Migration {
    let sql = sql.into_sql_str();
    Migration::new(9999, "made up".into(), MigrationType::Simple, sql, false)
}

#[tokio::test]
async fn every_migration_runs_on_data_that_the_newest_binary_reads() {
    let database = fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    build(&mut conn, &migrations()).await.unwrap();
    conn.close().await.unwrap();
    let public = [("ONHOOK_PUBLIC_URL", reads::PUBLIC_URL)];
    let app = TestApp::boot_on(database, &public).await;
    reads::everything(&app).await;
}

#[tokio::test]
async fn a_migration_that_bears_no_data_or_has_no_rows_is_found() {
    let database = fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    build(&mut conn, &migrations()).await.unwrap();
    for (sql, fault) in [
        (
            "alter table calls add column pitch text not null",
            "does not run on data",
        ),
        (
            "alter table calls add constraint c check (state <> 'busy')",
            "does not run on data",
        ),
        (
            "create unique index u on calls (account_id, ended_at)",
            "does not run on data",
        ),
        (
            "create table pitches (pitch text)",
            "tests/fixtures/migrations/9999_made_up.sql: No such file",
        ),
    ] {
        let refused = step(&mut conn, &made_up(sql)).await.unwrap_err();
        assert!(refused.contains(fault), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn rows_that_leave_out_what_a_migration_made_are_found() {
    let database = fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    let before = shape(&mut conn).await;
    let change = "create table pitches (pitch text, tone text); alter table leaders add column since timestamptz";
    run(&mut conn, &made_up(change)).await.unwrap();
    let leader = "insert into leaders values ('a', gen_random_uuid(), now(), now());";
    for (rows, fault) in [
        ("", "leaves out the table leaders"),
        (
            "insert into leaders values ('a', gen_random_uuid(), now())",
            "leaves out the column since of leaders",
        ),
        (leader, "leaves out the table pitches"),
        (
            &format!("{leader} insert into pitches values ('high', null)"),
            "leaves out the column tone of pitches",
        ),
        ("insert into pitches values (1, 2, 3)", "does not fit"),
    ] {
        let refused = fill(&mut conn, &before, rows.to_owned()).await.unwrap_err();
        assert!(refused.starts_with(fault), "{rows}: {refused}");
        let empty = "truncate pitches, leaders";
        sqlx::raw_sql(empty).execute(&mut conn).await.unwrap();
    }
    let whole = format!("{leader} insert into pitches values ('high', null), (null, 'soft')");
    fill(&mut conn, &before, whole).await.unwrap();
}

#[test]
fn the_rows_belong_to_migrations_that_are_there() {
    let known: BTreeSet<String> = migrations().iter().map(file_name).collect();
    let kept = fs::read_dir(fixtures()).unwrap();
    let kept: BTreeSet<String> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, known);
}
