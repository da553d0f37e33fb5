//! `onhook key`: credentials of an account. A key is printed once, alone, and can never be read again.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access::{self, KeyRequest},
    domain::{
        account::{AccountName, Handling, KeyKind, TranscriptAccess},
        text::Text,
    },
    store::{self, keys},
};

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes a key and prints it, alone: it is shown only this once
    #[command(after_help = "Kinds:
  app        a back end of the account: everything in it
  operator   whoever runs the account: everything in it
  staff      a staff member: reads, ends and changes calls
  directory  a partner: acts for the accounts below its own
  client     a client: reads the voice calls that are its own
  ingest     a provider or PBX: reports calls, nothing else

Examples:
  KEY=$(onhook key create --account acme --kind app)
  onhook key create --account acme --kind staff --staff s_17 --expires-in 90
  onhook key create --account acme --kind client --client c_42 --transcripts redacted
  onhook key create --account acme --kind ingest --prefer strict")]
    Create {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// What it is for
        #[arg(long, value_enum)]
        kind: KeyKind,
        /// The staff member behind it
        #[arg(long, value_name = "UID", value_parser = staff_uid)]
        staff: Option<Text<255>>,
        /// The client whose calls are all that it may read: kind client must name one
        #[arg(long, value_name = "UID", value_parser = client_uid)]
        client: Option<Text<255>>,
        /// How to handle requests that do not say (RFC 7240)
        #[arg(long, value_enum)]
        prefer: Option<Handling>,
        /// What it reads of what was said on calls: `redacted` masks personal data; as the account says if not given
        #[arg(long, value_enum)]
        transcripts: Option<TranscriptAccess>,
        /// After how many days it stops to be valid; never if not given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=36_500))]
        expires_in: Option<i32>,
    },
    /// Prints every key of an account as a line of JSON, without the key
    List {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
    },
    /// Revokes a key: it is refused at once, on the voip surface within a second
    Revoke {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// Its `key_id` or `prefix` as `onhook key list` shows them
        key: String,
    },
}

impl Command {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        match self {
            Self::Create {
                account,
                kind,
                staff,
                client,
                prefer,
                transcripts,
                expires_in,
            } => {
                let account = access::find_account(&session.db, &account).await?;
                let request = KeyRequest {
                    kind,
                    staff_uid: staff,
                    client_uid: client,
                    prefer,
                    transcripts,
                    expires_in_days: expires_in,
                };
                let new = access::create_key(&session.db, account.account_id, request).await?;
                print(&new.key.expose_secret())?;
            }
            Self::List { account } => {
                let account = access::find_account(&session.db, &account).await?;
                for key in store::ask(keys::list(&session.db, account.account_id)).await? {
                    print(&json!({
                        "key_id": key.key_id,
                        "prefix": key.prefix,
                        "kind": key.kind,
                        "staff_uid": key.staff_uid,
                        "client_uid": key.client_uid,
                        "prefer": key.prefer,
                        "transcripts": key.transcripts,
                        "created_at": key.created_at,
                        "expires_at": key.expires_at,
                        "revoked_at": key.revoked_at,
                    }))?;
                }
            }
            Self::Revoke { account, key } => {
                let account = access::find_account(&session.db, &account).await?;
                access::revoke_key(&session.db, account.account_id, &key).await?;
            }
        }
        Ok(())
    }
}

fn staff_uid(text: &str) -> Result<Text<255>, String> {
    Text::parse(text).map_err(|error| error.to_string())
}

fn client_uid(text: &str) -> Result<Text<255>, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    staff_uid(text)
}
