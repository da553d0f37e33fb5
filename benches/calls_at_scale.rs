//! Lists of calls in a large database: which index finds each list that docs/lists.md recommends, how long a page takes, and
//! whether page 100,000 by cursor takes longer than the first. `cargo bench --bench calls_at_scale -- --help`; the figures
//! stand in docs/performance.md. What is timed is the database, with the statements and the planning of the service.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that cannot go on has failed, and prints what it measured"
)]

use std::{
    path::PathBuf,
    process::ExitCode,
    str::FromStr as _,
    time::{Duration, Instant},
};

use clap::Parser;
use onhook::{
    embedded::{Cluster, Durability, Settings},
    store::{calls::query, pool, voice_calls},
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

#[path = "calls_at_scale/fill.rs"]
mod fill;
#[path = "calls_at_scale/recommended.rs"]
mod recommended;

use recommended::{Asked, PER_PAGE, Recommended};

const DATABASE: &str = "calls_at_scale";

/// Each page is asked for so often; the median counts.
const TIMES: usize = 15;

const DEEP_PAGE: i64 = 100_000;

/// The deep page may take so many times as long as the first.
const RATIO_MAX: f64 = 1.5;

/// Fills a database with generated calls, then measures the recommended lists in it. The database is dropped at the end.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench calls_at_scale --")]
struct Options {
    /// How many calls; ten million take about 15 GB
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    calls: u64,
    /// In how many accounts; the first has a ninth of all calls, and is the one that is measured
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    accounts: u64,
    /// A server where a database `calls_at_scale` may be made, as a URL; a private one unless given
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Where the private server has its data; a temporary directory unless given
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    /// Keep the database, and measure one that was kept
    #[arg(long)]
    keep: bool,
    /// What cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> ExitCode {
    let Some(url) = &options.server else {
        return run_privately(options).await;
    };
    let server = PgConnectOptions::from_str(url).expect("the server's URL");
    run_on(options, &server).await
}

async fn run_privately(options: &Options) -> ExitCode {
    let temporary = tempfile::tempdir().unwrap();
    let given = options.data_dir.as_deref();
    let settings = Settings {
        data_dir: given.unwrap_or(temporary.path()).to_owned(),
        postgres_bin: None,
        durability: Durability::ForTests,
    };
    let cluster = Cluster::start(settings).await.expect("a private server");
    let code = run_on(options, &cluster.connect_options()).await;
    cluster.stop().await;
    code
}

async fn run_on(options: &Options, server: &PgConnectOptions) -> ExitCode {
    let own = server.clone().database(DATABASE);
    let there = PgConnection::connect_with(&own).await.is_ok();
    assert!(
        options.keep || !there,
        "there is a database {DATABASE} already: --keep measures it"
    );
    if !there {
        pool::create_database(server, DATABASE).await.unwrap();
    }
    pool::migrate(&own).await.unwrap();
    let mut conn = PgConnection::connect_with(&own).await.unwrap();
    if there {
        let count = "select count(*) from calls";
        let calls: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut conn)
            .await
            .unwrap();
        println!("The database that was kept has {} calls.\n", grouped(calls));
    } else {
        filled(&mut conn, options).await;
    }
    sqlx::raw_sql("set jit = off")
        .execute(&mut conn)
        .await
        .unwrap();
    let found = print_lists(&mut conn).await;
    let level = print_depths(&mut conn).await;
    conn.close().await.unwrap();
    if !options.keep {
        let mut conn = PgConnection::connect_with(server).await.unwrap();
        let drop = "drop database calls_at_scale";
        sqlx::raw_sql(drop).execute(&mut conn).await.unwrap();
    }
    if found && level {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn filled(conn: &mut PgConnection, options: &Options) {
    let started = Instant::now();
    let (size, all) = (
        fill::Size {
            calls: options.calls,
            accounts: options.accounts,
        },
        options.calls,
    );
    fill::fill(conn, size, |step| {
        let seconds = started.elapsed().as_secs();
        match step {
            fill::Step::Copied(calls) => eprint!(
                "\r{:3} %  {} of {} calls, {seconds} s ",
                calls * 100 / all,
                grouped(calls),
                grouped(all),
            ),
            fill::Step::Runs(statement) => {
                let words: Vec<&str> = statement.split_whitespace().collect();
                eprint!("\n{seconds} s: {}", words.join(" "));
            }
        }
    })
    .await;
    eprintln!();
    let size = "select pg_size_pretty(pg_database_size(current_database())), current_setting('server_version'),
        current_setting('shared_buffers')";
    let (bytes, version, buffers): (String, String, String) =
        sqlx::query_as(size).fetch_one(conn).await.unwrap();
    println!(
        "{} calls in {} accounts: {bytes}, made in {} s. PostgreSQL {version}, `shared_buffers` {buffers}.\n",
        grouped(all),
        options.accounts,
        started.elapsed().as_secs(),
    );
}

/// Prints every list; answers whether all of them are found by their indexes.
async fn print_lists(conn: &mut PgConnection) -> bool {
    println!("| list | found by | first page | with the total |");
    println!("|---|---|---|---|");
    let account = fill::account(0);
    let mut all = true;
    for list in recommended::lists() {
        let scans = list.asked.scans(conn, account).await;
        let expected = |index: &&str| scans.iter().any(|scan| scan == index);
        let found = list.indexes.iter().all(expected)
            && !scans.iter().any(|scan| scan.starts_with("sequentially"));
        all &= found;
        let page = time(conn, &list.asked, Part::Page).await;
        let whole = time(conn, &list.asked, Part::PageAndTotal).await;
        println!(
            "| {} | {}{} | {} | {} |",
            list.name,
            code(&scans),
            if found {
                ""
            } else {
                " **instead of the index**"
            },
            millis(page),
            millis(whole),
        );
    }
    println!();
    all
}

/// Prints how long a deep page takes; answers whether none takes much longer than the first.
async fn print_depths(conn: &mut PgConnection) -> bool {
    let account = fill::account(0);
    let count = "select count(*) from calls where account_id = $1";
    let count = sqlx::query_scalar(count).bind(account.uuid());
    let calls: i64 = count.fetch_one(&mut *conn).await.unwrap();
    let page = DEEP_PAGE.min(calls / PER_PAGE);
    println!(
        "The account has {} calls. The cursor of page {} is made of the call at that place: nobody walked there.\n",
        grouped(calls),
        grouped(page),
    );
    println!("| list | first page | page {} | ratio |", grouped(page));
    println!("|---|---|---|---|");
    let mut level = true;
    let lists = recommended::sorts()
        .into_iter()
        .chain([recommended::walk()]);
    for Recommended { name, asked, .. } in lists {
        let mut deep = asked.clone();
        deep.go_on(conn, account, (page - 1) * PER_PAGE).await;
        let there = deep.page(conn, account).await.len();
        assert_eq!(i64::try_from(there), Ok(PER_PAGE), "{name}: a whole page");
        let first = time(conn, &asked, Part::Page).await;
        let last = time(conn, &deep, Part::Page).await;
        let ratio = last.as_secs_f64() / first.as_secs_f64();
        level &= ratio <= RATIO_MAX;
        let (first, last) = (millis(first), millis(last));
        println!("| {name} | {first} | {last} | {ratio:.2} |");
    }
    level
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Page,
    PageAndTotal,
}

/// The median, after one that is not counted.
async fn time(conn: &mut PgConnection, asked: &Asked, part: Part) -> Duration {
    let account = fill::account(0);
    let mut times = Vec::new();
    for _ in 0..=TIMES {
        let started = Instant::now();
        match (asked, part) {
            (_, Part::Page) => {
                asked.page(conn, account).await;
            }
            (Asked::Calls(query), Part::PageAndTotal) => {
                let listed = query::list(conn, account, query, query::Counted::Yes);
                listed.await.unwrap();
            }
            (Asked::VoiceCalls(list), Part::PageAndTotal) => {
                asked.page(conn, account).await;
                let total = voice_calls::list::total(conn, account, &list.filters);
                total.await.unwrap();
            }
        }
        times.push(started.elapsed());
    }
    times.remove(0);
    times.sort_unstable();
    times[times.len() / 2]
}

fn code(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// With a comma between thousands.
fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
