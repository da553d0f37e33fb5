//! `onhook account`: the tenant walls.

use anyhow::Context as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access::{self, AccountRequest},
    domain::{
        account::{AccountName, BusinessUid, VoipMode},
        limits::MaxDuration,
        retention::{Change, Days},
        voice_call::update::Edit,
    },
    store::{self, accounts, accounts::Account},
};

/// What to do with accounts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes an account and prints it as JSON
    #[command(after_help = "Examples:
  onhook account create acme
  onhook account create acme-open --voip open
      Whoever reaches us may report calls of it: for PBXs that can send no credential, on a network that you trust.
  onhook account create below --directory partner --business-uid biz_42
      A directory key of `partner` may act for it with `x-on-behalf-of: biz_42`.")]
    Create {
        /// Its name: a DNS label, which the first label of the Host may give on the voip surface
        name: AccountName,
        /// Whether voip posts need a key
        #[arg(long, value_enum, default_value = "key")]
        voip: VoipMode,
        /// The account whose directory keys may act for it
        #[arg(long, value_name = "NAME")]
        directory: Option<AccountName>,
        /// What the voice-calls surface calls it; its id if not given
        #[arg(long, value_name = "UID")]
        business_uid: Option<BusinessUid>,
    },
    /// Opens or closes an account's voip surface, within a second
    Set {
        /// Its name
        name: AccountName,
        /// Whether voip posts need a key
        #[arg(long, value_enum)]
        voip: VoipMode,
    },
    /// Bounds how long calls of an account may last from their answer, within a second
    #[command(after_help = "Examples:
  onhook account limit acme --max-duration 14400
      No call of the account lasts longer than four hours; connections and calls may have less.
  onhook account limit acme --max-duration none")]
    Limit {
        /// Its name
        name: AccountName,
        /// Seconds, 1 to 604800, or `none`
        #[arg(long, value_name = "SECONDS|none", value_parser = max_duration)]
        max_duration: MaxDurationOrNone,
    },
    /// Says for how many days an account keeps what, and prints what holds
    #[command(after_help = "Examples:
  onhook account retention acme
      Changes nothing, and prints it.
  onhook account retention acme --transcripts 365 --payloads 14
  onhook account retention acme --transcripts default
      As the server says: ONHOOK_RETENTION_TRANSCRIPT_DAYS.

What is older is removed within minutes, calls within a day. It cannot be undone.")]
    Retention(Retention),
    /// Prints every account as a line of JSON
    List,
}

/// Days, 1 to 36500, or `default`.
#[derive(Debug, clap::Args)]
pub(super) struct Retention {
    /// Its name
    name: AccountName,
    /// The bodies of webhooks
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    payloads: Option<Edit<Days>>,
    /// Deliveries that are over, and attempts
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    attempts: Option<Edit<Days>>,
    /// Reports as they came
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    receipts: Option<Edit<Days>>,
    /// Transcripts, and what was made of the words
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    transcripts: Option<Edit<Days>>,
    /// Where recordings are
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    recordings: Option<Edit<Days>>,
    /// Calls, with everything
    #[arg(long, value_name = "DAYS|default", value_parser = days)]
    calls: Option<Edit<Days>>,
}

fn days(text: &str) -> Result<Edit<Days>, String> {
    if text == "default" {
        return Ok(Edit::Clear);
    }
    let days = text.parse::<Days>();
    days.map(Edit::Set)
        .map_err(|error| format!("{error}, or `default`"))
}

impl Retention {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let account = access::find_account(&session.db, &self.name).await?;
        let edit = |edit: Option<Edit<Days>>| edit.unwrap_or_default();
        let change = Change {
            payload_days: edit(self.payloads),
            attempt_days: edit(self.attempts),
            receipt_days: edit(self.receipts),
            transcript_days: edit(self.transcripts),
            recording_days: edit(self.recordings),
            call_days: edit(self.calls),
        };
        let kept = if change == Change::default() {
            store::ask(store::retention::find(&session.db, account.account_id)).await?
        } else {
            access::set_retention(&session.db, account.account_id, change).await?
        };
        print(&json!({
            "account_id": account.account_id,
            "own": kept.windows,
            "effective": kept.windows.or(session.config.retention).effective(),
            "updated_at": kept.updated_at,
        }))?;
        Ok(())
    }
}

impl Command {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        match self {
            Self::Create {
                name,
                voip,
                directory,
                business_uid,
            } => {
                let request = AccountRequest {
                    name,
                    voip,
                    directory,
                    business_uid,
                };
                show(&access::create_account(&session.db, request).await?)
            }
            Self::Set { name, voip } => show(&access::set_voip(&session.db, &name, voip).await?),
            Self::Limit {
                name,
                max_duration: MaxDurationOrNone(bound),
            } => {
                let account = access::find_account(&session.db, &name).await?;
                let set = access::set_max_duration(&session.db, account.account_id, bound);
                let account = set.await?.context("the account is gone")?;
                show(&account)
            }
            Self::Retention(retention) => retention.run(session).await,
            Self::List => {
                let found = store::ask(accounts::list(&session.db)).await?;
                found.iter().try_for_each(show)
            }
        }
    }
}

/// A bound, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxDurationOrNone(Option<MaxDuration>);

fn max_duration(text: &str) -> Result<MaxDurationOrNone, String> {
    if text == "none" {
        return Ok(MaxDurationOrNone(None));
    }
    let bound = text.parse::<MaxDuration>();
    bound
        .map(|bound| MaxDurationOrNone(Some(bound)))
        .map_err(|error| format!("{error}, or `none`"))
}

fn show(account: &Account) -> anyhow::Result<()> {
    print(&json!({
        "account_id": account.account_id,
        "name": account.name,
        "business_uid": account.business_uid,
        "directory_account_id": account.directory_account_id,
        "voip": account.voip,
        "max_duration": account.max_duration_s,
        "created_at": account.created_at,
    }))?;
    Ok(())
}
