//! `onhook doctor`: looks at everything that the service stands on and says what is wrong, a line each. Changes nothing.

use std::{
    fmt,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};

use super::{Session, print};
use crate::{
    config::{Config, Durability, secret_key::SecretKey},
    queue::store::{self as queue, Depth},
    store::{
        self,
        delivery_depth::{self, BACKLOG_MAX, Depth as Deliveries},
        parked,
        reconciliations::{self, Hanging},
        schema, sealed,
        server::{self, Server},
    },
};

/// JWTs and signed webhooks bear a time; their verifiers allow minutes.
const SKEW_MAX_S: f64 = 5.0;

/// A check that has been due for longer is late: nobody leads, or too many calls are silent at once.
const CHECK_LAG_MAX_S: f64 = 300.0;

/// Work that has been due for longer is late.
const DUE_MAX_S: f64 = 300.0;

/// An endpoint at which something is due is taken within a second or two by any process that delivers.
const UNHELD_MAX_S: f64 = 60.0;

/// One line of the report.
struct Finding {
    well: bool,
    subject: &'static str,
    says: String,
}

impl Finding {
    fn new(well: bool, subject: &'static str, says: impl Into<String>) -> Self {
        let says = says.into();
        Self {
            well,
            subject,
            says,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.well { "ok   " } else { "WRONG" };
        write!(f, "{mark}  {:<11} {}", self.subject, self.says)
    }
}

/// Prints the report; fails if something is wrong.
pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let session = Session::open(config).await?;
    let findings = match examine(&session).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::new(false, "database", format!("{error:#}"))],
    };
    session.close().await;
    for finding in &findings {
        print(finding)?;
    }
    if findings.iter().all(|finding| finding.well) {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

async fn examine(session: &Session) -> anyhow::Result<Vec<Finding>> {
    let db = &session.db;
    let server = store::ask(server::ask(db)).await?;
    let database_s = store::ask(server::clock(db)).await?;
    let found = store::ask(Box::pin(async {
        let mut conn = db.acquire().await?;
        schema::look(&mut conn).await
    }))
    .await?;
    let mut findings = vec![
        the_server(&server),
        durability(&server, session.config.durability),
        standby(&server),
        clock(database_s),
    ];
    let version = found.version.unwrap_or_default();
    if found.is_current() {
        let newer = match found.newer {
            0 => String::new(),
            newer => format!(", with {newer} newer than this binary"),
        };
        findings.push(Finding::new(true, "schema", format!("{version}{newer}")));
        findings.push(queue(&store::ask(queue::depth(db)).await?));
        findings.push(webhooks(&store::ask(delivery_depth::depth(db)).await?));
        findings.push(silence(&store::ask(reconciliations::hanging(db)).await?));
        findings.push(endings(&store::ask(reconciliations::hanging(db)).await?));
        findings.push(parked(store::ask(parked::waiting(db)).await?));
        findings.push(secret_key(
            &session.config.secret_key,
            &store::ask(sealed::heads(db)).await?,
        ));
    } else {
        let pending = found.pending.len();
        let says = format!("{version}, {pending} migrations pending: run `onhook migrate`");
        findings.push(Finding::new(false, "schema", says));
    }
    Ok(findings)
}

fn the_server(server: &Server) -> Finding {
    let version: Vec<&str> = server.version.split(' ').take(2).collect();
    let version = version.join(" ");
    if server.in_recovery {
        let says = format!("{version}, a standby: nothing can be written to it");
        return Finding::new(false, "server", says);
    }
    Finding::new(true, "server", version)
}

fn durability(server: &Server, wanted: Durability) -> Finding {
    let settings = format!(
        "fsync={} full_page_writes={} synchronous_commit={}",
        server.fsync, server.full_page_writes, server.synchronous_commit
    );
    match (server.durable(), wanted) {
        (Ok(()), _) => {
            let says = format!("{settings}: what is acknowledged survives a crash and a power cut");
            Finding::new(true, "durability", says)
        }
        (Err(_), Durability::WeakAllowed) => {
            let says =
                format!("{settings}: what is acknowledged may be lost, which the settings allow");
            Finding::new(true, "durability", says)
        }
        (Err(weak), Durability::Required) => Finding::new(false, "durability", weak.to_string()),
    }
}

fn standby(server: &Server) -> Finding {
    let says = match server.synchronous_standby_names.as_str() {
        "" => "none that is synchronous: what is acknowledged is lost with the database's disk"
            .to_owned(),
        names => {
            format!("{names}: what is acknowledged is on another machine, too")
        }
    };
    Finding::new(true, "standby", says)
}

fn clock(database_s: f64) -> Finding {
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let skew_s = (here.as_secs_f64() - database_s).abs();
    let says = format!("{skew_s:.1} s from the database's");
    Finding::new(skew_s <= SKEW_MAX_S, "clock", says)
}

fn queue(depth: &Depth) -> Finding {
    let Depth {
        available,
        running,
        dead,
        expired,
        oldest_due_s,
        oldest_lost_s: _,
    } = depth;
    let says = format!(
        "{available} waiting, {running} running, {dead} dead, {expired} with an expired lease; the oldest due job has \
         waited {oldest_due_s:.0} s"
    );
    let well = *oldest_due_s <= DUE_MAX_S && *expired == 0;
    Finding::new(well, "queue", says)
}

/// Deliveries that nobody makes, and room for what they leave behind.
fn webhooks(deliveries: &Deliveries) -> Finding {
    let Deliveries {
        backlog,
        circuits_open,
        unheld,
        unheld_s,
        weeks_ahead,
    } = deliveries;
    let more = if *backlog == BACKLOG_MAX {
        " or more"
    } else {
        ""
    };
    let says = format!(
        "{backlog}{more} deliveries on their way, {circuits_open} endpoints away; {unheld} endpoints that nobody delivers to, the first for \
         {unheld_s:.0} s; tables for {weeks_ahead} weeks"
    );
    // This week's and the next: the leader makes them a fortnight ahead.
    let well = *unheld_s <= UNHELD_MAX_S && *weeks_ahead >= 2;
    Finding::new(well, "webhooks", says)
}

/// Live calls of which nothing is heard.
fn silence(hanging: &Hanging) -> Finding {
    let Hanging {
        watched,
        unknown,
        unasked,
        lag_s,
        ..
    } = hanging;
    let says = format!(
        "{watched} live calls are watched, of which {unknown} are unknown to their provider and {unasked} could not be asked about; \
         the oldest due check has waited {lag_s:.0} s"
    );
    let well = *lag_s <= CHECK_LAG_MAX_S && *unasked == 0;
    Finding::new(well, "silence", says)
}

/// Endings that need a person.
fn endings(hanging: &Hanging) -> Finding {
    let Hanging {
        unconfirmed,
        failed,
        ..
    } = hanging;
    let says = format!(
        "{unconfirmed} unconfirmed for more than an hour, {failed} given up within a day: those calls may be live at their provider"
    );
    Finding::new(*unconfirmed == 0 && *failed == 0, "endings", says)
}

/// Reports whose call has not come. None hangs for longer than a day.
fn parked((count, oldest): (i64, Option<DateTime<Utc>>)) -> Finding {
    let since = oldest.map_or_else(String::new, |oldest| {
        format!(
            ", the oldest since {}",
            oldest.format("%Y-%m-%d %H:%M:%S UTC")
        )
    });
    Finding::new(
        true,
        "parked",
        format!("{count} reports wait for their call{since}"),
    )
}

fn secret_key(source: &SecretKey, heads: &[Vec<u8>]) -> Finding {
    let key = match source.read() {
        Ok(Some(key)) => key,
        Ok(None) => {
            let says = "not made yet: the first start does";
            return Finding::new(heads.is_empty(), "secret key", says);
        }
        Err(error) => return Finding::new(false, "secret key", error.to_string()),
    };
    let sealed_with = heads.len();
    let unknown = heads.iter().filter(|head| !key.knows(head)).count();
    if unknown == 0 {
        let says =
            format!("opens every stored secret; {sealed_with} keys are in use among the stored");
        Finding::new(true, "secret key", says)
    } else {
        let says = format!(
            "does not open what was sealed with {unknown} of {sealed_with} keys: put the missing ones behind it in \
             ONHOOK_SECRET_KEY"
        );
        Finding::new(false, "secret key", says)
    }
}
