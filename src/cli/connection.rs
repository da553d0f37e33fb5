//! `onhook connection`: an account's access to a vendor. Secrets come from the environment or from standard input; an
//! argument would be seen by every user of the machine.

use std::io::{IsTerminal as _, Read as _};

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::{Session, print};
use crate::{
    access,
    calls::connect::{self, NewConnection},
    config::ConnectionSecrets,
    domain::{
        account::AccountName,
        connection::{AnsweredBy, Credentials},
        id::ConnectionId,
        party::E164,
        text::Text,
    },
    egress::Egress,
    store::{
        self,
        connections::{self, SealedConnection},
    },
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
    /// Sets what answers the calls that a connection places; without --url and --application, it places none
    Answer {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// The connection's id
        #[arg(long, value_name = "ID")]
        id: ConnectionId,
        /// What answers
        #[command(flatten)]
        answer: Answer,
    },
    /// Prints every connection of an account as a line of JSON, without its secrets
    List {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
    },
}

/// What answers the calls that a connection places.
#[derive(Debug, clap::Args)]
#[group(id = "answered_by", multiple = false)]
pub(super) struct Answer {
    /// The URL that the provider fetches when somebody takes a call that was placed; `call_id` and `ai_agent_id` are added to it
    #[arg(long = "answer-url", value_name = "URL")]
    url: Option<String>,
    /// An application of the provider's, instead
    #[arg(long = "answer-application", value_name = "AP…")]
    application: Option<String>,
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
        /// A number whose calls this connection hangs up, and from which it places calls, in E.164; repeatable
        #[arg(long = "number", value_name = "+1…")]
        numbers: Vec<E164>,
        /// What answers the calls that it places
        #[command(flatten)]
        answer: Answer,
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
            Self::Answer {
                account,
                id,
                answer,
            } => set_answer(session, &account, id, answer).await,
            Self::List { account } => list(session, &account).await,
        }
    }
}

async fn add(session: &Session, account: &AccountName, vendor: Vendor) -> anyhow::Result<()> {
    let config = &session.config;
    let account = access::find_account(&session.db, account).await?;
    let secret = secret(&config.connection)?;
    let signing_secret = config.connection.signing_secret.clone();
    let (vendor, there, key_id, (numbers, answer), base_url) = match vendor {
        Vendor::Twilio {
            account_sid,
            api_key_sid,
            numbers,
            answer,
            base_url,
        } => {
            let numbers = (numbers, answer.parse()?);
            ("twilio", account_sid, api_key_sid, numbers, base_url)
        }
        Vendor::Livekit { key, base_url } => {
            let base_url = Some(http_url(&base_url));
            ("livekit", key, None, (Vec::new(), None), base_url)
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
        answered_by: answer,
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

impl Answer {
    fn parse(self) -> anyhow::Result<Option<AnsweredBy>> {
        let application = self.application.map(Text::parse).transpose()?;
        anyhow::ensure!(
            application
                .as_ref()
                .is_none_or(|text| !text.as_str().is_empty()),
            "the application has no id"
        );
        let url = self.url.as_deref().map(Url::parse).transpose();
        let url = url.context("the answer URL")?.map(AnsweredBy::Url);
        Ok(url.or(application.map(AnsweredBy::Application)))
    }
}

async fn set_answer(
    session: &Session,
    account: &AccountName,
    id: ConnectionId,
    answer: Answer,
) -> anyhow::Result<()> {
    let account = access::find_account(&session.db, account).await?;
    let egress = Egress::new(session.config.egress_policy.clone())?;
    let of = (account.account_id, id);
    connect::answer(&session.db, &egress, of, answer.parse()?).await?;
    let listed = connections::find(&session.db, account.account_id, id);
    if let Some(connection) = store::ask(listed).await? {
        print(&shown(&connection))?;
    }
    Ok(())
}

fn shown(connection: &SealedConnection) -> Value {
    let (url, application) = match connection.answered_by() {
        Some(AnsweredBy::Url(url)) => (Some(url.to_string()), None),
        Some(AnsweredBy::Application(application)) => (None, Some(application.into_string())),
        None => (None, None),
    };
    json!({
        "id": connection.connection_id(),
        "provider": connection.provider(),
        "base_url": connection.base_url(),
        "answer_url": url,
        "answer_application": application,
        "created_at": connection.created_at(),
    })
}

async fn list(session: &Session, account: &AccountName) -> anyhow::Result<()> {
    let account = access::find_account(&session.db, account).await?;
    let listed = connections::list(&session.db, account.account_id, LIST_MAX);
    for connection in store::ask(listed).await? {
        print(&shown(&connection))?;
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
