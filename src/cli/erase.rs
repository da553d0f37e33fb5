//! `onhook erase`: erases what is kept of a call, or of every call of a number or an e-mail address, and prints the receipt.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    calls::erase::{self, Request},
    domain::{
        account::AccountName,
        erasure::{Erasure, Stage, Subject},
        id::CallId,
        party::{Email, PartyNumber},
    },
    queue::runner::Wake,
    store,
};

const EXAMPLES: &str = "\
Examples:
  onhook erase --account acme --call 0199c0de-0000-7000-8000-000000000001
  echo +14155550100 | onhook erase --account acme --phone-number -
      Every call from or to the number. Given as `-` it is read from standard input, and in no list of processes.
  onhook erase --account acme --email ann@example.com

The service does the work; the command waits for it and prints the receipt. Stopped, it leaves the work to go on: made again, it
waits for the same erasure. It cannot be undone.";

/// For how long nothing may happen before it is said that nobody works.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is to be erased.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The account's name
    #[arg(long, value_name = "NAME")]
    account: AccountName,
    #[command(flatten)]
    subject: Given,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Given {
    /// One call
    #[arg(long, value_name = "ID")]
    call: Option<CallId>,
    /// Every call from or to a number; `-` reads it from standard input
    #[arg(long, value_name = "NUMBER|-", allow_hyphen_values = true)]
    phone_number: Option<String>,
    /// Every call with an e-mail address; `-` reads it from standard input
    #[arg(long, value_name = "ADDRESS|-", allow_hyphen_values = true)]
    email: Option<String>,
}

impl Given {
    fn subject(self) -> anyhow::Result<Subject> {
        if let Some(call_id) = self.call {
            return Ok(Subject::Call(call_id));
        }
        if let Some(number) = self.phone_number {
            let number = PartyNumber::parse(text(number)?).context("the phone number")?;
            return Ok(Subject::PhoneNumber(number));
        }
        let email = text(self.email.unwrap_or_default())?;
        let email: Email = email.parse().context("the e-mail address")?;
        Ok(Subject::Email(email))
    }
}

/// What was given, or stands on standard input.
fn text(given: String) -> io::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut read = String::new();
    io::stdin().read_to_string(&mut read)?;
    Ok(read.trim().to_owned())
}

impl Args {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let subject = self.subject.subject()?;
        session.expect_schema().await?;
        let account = access::find_account(&session.db, &self.account).await?;
        let sealing_key = session.config.secret_key.read_or_make()?;
        let request = Request {
            account_id: account.account_id,
            subject: &subject,
            by: None,
        };
        let nobody = Wake::default();
        let erasure = erase::request(&session.db, &nobody, &sealing_key, request).await?;
        let erasure = wait(session, erasure).await?;
        print(&receipt(&erasure))?;
        Ok(())
    }
}

/// Until the service has done it.
async fn wait(session: &Session, mut erasure: Erasure) -> anyhow::Result<Erasure> {
    let of = (erasure.account_id, erasure.erasure_id);
    let mut since = Instant::now();
    while erasure.stage != Stage::Completed {
        anyhow::ensure!(
            since.elapsed() < PATIENCE,
            "nothing has happened for a minute: is the service running? What was asked for stays to be done"
        );
        tokio::time::sleep(LOOK_EVERY).await;
        let found = store::ask(store::erasure::find(&session.db, of)).await?;
        let found = found.context("the erasure is gone")?;
        if found != erasure {
            since = Instant::now();
            tell(&found);
        }
        erasure = found;
    }
    if io::stderr().is_terminal() {
        drop(writeln!(io::stderr()));
    }
    Ok(erasure)
}

/// How far it is, on standard error.
fn tell(erasure: &Erasure) {
    let line = format!(
        "{} calls looked at, {} found, {} erased",
        erasure.looked_at, erasure.found, erasure.erased
    );
    let told = if io::stderr().is_terminal() {
        write!(io::stderr(), "\r{line:<80}")
    } else {
        writeln!(io::stderr(), "onhook: {line}")
    };
    // Somebody closed it: the work is what counts.
    drop(told);
}

fn receipt(erasure: &Erasure) -> serde_json::Value {
    json!({
        "erasure_id": erasure.erasure_id,
        "subject": {"type": erasure.subject, "digest": hex::encode(&erasure.subject_digest)},
        "calls_looked_at": erasure.looked_at,
        "calls_found": erasure.found,
        "calls_erased": erasure.erased,
        "removed": erasure.removed,
        "created_at": erasure.created_at,
        "completed_at": erasure.completed_at,
    })
}
