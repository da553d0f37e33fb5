//! `onhook connection`: an account's access to a vendor. Secrets come from the environment or from standard input; an
//! argument would be seen by every user of the machine.

use std::io::{IsTerminal as _, Read as _};

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    calls::connect::{self, NewConnection},
    config::ConnectionSecrets,
    domain::{account::AccountName, connection::Credentials, party::E164},
    egress::Egress,
    store::{self, connections},
};

/// A secret is shorter than this.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// The connections that are listed; an account has a handful.
const LIST_MAX: i64 = 1000;

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds a connection and prints it as JSON, with the URL to give the provider as its status callback
    #[command(
        after_help = "The secret is read from ONHOOK_CONNECTION_SECRET, or else from standard input.

Examples:
  printf %s \"$TWILIO_AUTH_TOKEN\" | onhook connection add --account acme twilio --account-sid AC… --number +14155550100
  printf %s \"$LIVEKIT_API_SECRET\" | onhook connection add --account acme livekit --key API… --base-url wss://….livekit.cloud"
    )]
    Add {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// The vendor
        #[command(subcommand)]
        vendor: Vendor,
    },
    /// Prints every connection of an account as a line of JSON, without its secrets
    List {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
    },
}

/// To whom.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Vendor {
    /// Twilio; the secret is the Auth Token, or with --api-key-sid the API key's
    Twilio {
        /// The account SID
        #[arg(long, value_name = "AC…")]
        account_sid: String,
        /// Authenticates with this API key; callbacks then need the Auth Token in `ONHOOK_CONNECTION_SIGNING_SECRET`
        #[arg(long, value_name = "SK…")]
        api_key_sid: Option<String>,
        /// A number whose calls this connection hangs up, in E.164; repeatable
        #[arg(long = "number", value_name = "+1…")]
        numbers: Vec<E164>,
        /// Where the API is, if not where everybody's is
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
    },
    /// LiveKit; the secret is the API key's
    Livekit {
        /// The API key
        #[arg(long)]
        key: String,
        /// Where the server is
        #[arg(long, value_name = "URL")]
        base_url: String,
    },
}

impl Command {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        match self {
            Self::Add { account, vendor } => add(session, &account, vendor).await,
            Self::List { account } => list(session, &account).await,
        }
    }
}

async fn add(session: &Session, account: &AccountName, vendor: Vendor) -> anyhow::Result<()> {
    let config = &session.config;
    let account = access::find_account(&session.db, account).await?;
    let secret = secret(&config.connection)?;
    let signing_secret = config.connection.signing_secret.clone();
    let (vendor, there, key_id, numbers, base_url) = match vendor {
        Vendor::Twilio {
            account_sid,
            api_key_sid,
            numbers,
            base_url,
        } => ("twilio", account_sid, api_key_sid, numbers, base_url),
        Vendor::Livekit { key, base_url } => {
            ("livekit", key, None, Vec::new(), Some(http_url(&base_url)))
        }
    };
    // The secret of an API key signs nothing: without another one, callbacks would all be refused.
    let verifies = vendor == "twilio" && (key_id.is_none() || signing_secret.is_some());
    let new = NewConnection {
        account_id: account.account_id,
        vendor: vendor.to_owned(),
        base_url,
        credentials: Credentials {
            account: there,
            key_id,
            secret,
            signing_secret,
        },
        numbers,
    };
    let sealing_key = config.secret_key.read_or_make()?;
    let egress = Egress::new(config.egress_policy.clone())?;
    let id = connect::connect(&session.db, &sealing_key, &egress, new).await?;
    let callback = format!("{}/inbound/{vendor}/{id}", config.public_url);
    print(&json!({
        "id": id,
        "provider": vendor,
        "status_callback_url": verifies.then_some(callback),
    }))?;
    Ok(())
}

async fn list(session: &Session, account: &AccountName) -> anyhow::Result<()> {
    let account = access::find_account(&session.db, account).await?;
    let listed = connections::list(&session.db, account.account_id, LIST_MAX);
    for connection in store::ask(listed).await? {
        print(&json!({
            "id": connection.connection_id(),
            "provider": connection.provider(),
            "base_url": connection.base_url(),
            "created_at": connection.created_at(),
        }))?;
    }
    Ok(())
}

/// LiveKit's own settings name its WebSocket; the API is at the same place.
fn http_url(url: &str) -> String {
    match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(_) | None => url.to_owned(),
    }
}

fn secret(secrets: &ConnectionSecrets) -> anyhow::Result<SecretString> {
    if let Some(secret) = &secrets.secret {
        return Ok(secret.clone());
    }
    let stdin = std::io::stdin();
    anyhow::ensure!(
        !stdin.is_terminal(),
        "give the secret in ONHOOK_CONNECTION_SECRET or on standard input"
    );
    let mut text = String::new();
    let length = stdin
        .lock()
        .take(SECRET_BYTES_MAX)
        .read_to_string(&mut text)
        .context("standard input has no secret")?;
    let secret = text.trim();
    let fits = u64::try_from(length)? < SECRET_BYTES_MAX;
    anyhow::ensure!(fits && !secret.is_empty(), "standard input has no secret");
    Ok(secret.into())
}
