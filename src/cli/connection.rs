//! `onhook connection`: an account's access to vendors. Secrets come from the environment or from standard input; an argument would
//! be seen by every user of the machine. [`given`] has the options of each vendor, made of its profile.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    calls::connect::{
        self, Means, NewConnection, Trial, Vendor,
        change::{self, Change, Force, Rotation},
        credentials, probe, route, show,
    },
    domain::{
        account::AccountName,
        connection::{OVERLAP_S_DEFAULT, OVERLAP_S_MAX, Settings},
        id::{AccountId, ConnectionId},
        party::E164,
        voice_call::update::Edit,
    },
    egress::Egress,
    seal::SealingKey,
    store::{self, connections},
};

mod given;
mod secrets;
mod settings;

use given::Given;
use settings::{Answer, Clear, SettingsArgs};

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds a connection and prints it as JSON, with the URL to give the vendor as its status callback
    #[command(after_help = ADD_HELP)]
    Add {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// The vendor
        #[command(subcommand)]
        vendor: Box<Given>,
    },
    /// Prints every connection of an account as a line of JSON, without its secrets
    List {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
    },
    /// Prints a connection as JSON, without its secrets
    Show(Which),
    /// Changes what is set of a connection; what is not named stays
    #[command(after_help = SET_HELP)]
    Set {
        /// Which
        #[command(flatten)]
        which: Which,
        /// What is set
        #[command(flatten)]
        settings: SettingsArgs,
        /// Takes away what was set; repeatable
        #[arg(long, value_enum, value_name = "WHAT")]
        clear: Vec<Clear>,
    },
    /// Sets what answers the calls that a connection places; without --answer-url and --answer-application, it places none
    Answer {
        /// Which
        #[command(flatten)]
        which: Which,
        /// What answers
        #[command(flatten)]
        answer: Answer,
    },
    /// Replaces a connection's secrets while the service runs; callbacks that are signed with the former ones are taken for a while
    #[command(after_help = ROTATE_HELP)]
    Rotate {
        /// Which
        #[command(flatten)]
        which: Which,
        /// Replaces another credential, by the vendor's own name for it; repeatable. What is not named stays
        #[arg(long = "credential", value_name = "NAME=VALUE", value_parser = pair)]
        credentials: Vec<(String, String)>,
        /// For how many seconds the former ones still verify; 0 after a leak
        #[arg(long, value_name = "SECONDS", default_value_t = OVERLAP_S_DEFAULT, value_parser = clap::value_parser!(i32).range(0..=i64::from(OVERLAP_S_MAX)))]
        overlap_s: i32,
        /// Tries the new ones first, and keeps them only if the vendor accepts them
        #[arg(long)]
        test: bool,
    },
    /// Asks the vendor whether it accepts a connection; fails if not
    Test(Which),
    /// Removes a connection; calls keep their history
    Remove {
        /// Which
        #[command(flatten)]
        which: Which,
        /// Also if calls are live that only it can hang up: they are then ended here alone
        #[arg(long)]
        force: bool,
    },
    /// Routes a number to a connection, instead of any other
    #[command(after_help = ROUTE_HELP)]
    Route {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// The number, in E.164
        #[arg(long, value_name = "+1…")]
        number: E164,
        /// The connection's id
        #[arg(long, value_name = "ID", required_unless_present = "nowhere")]
        id: Option<ConnectionId>,
        /// Takes the number from whatever connection has it
        #[arg(long, conflicts_with = "id")]
        nowhere: bool,
    },
}

const ADD_HELP: &str = "\
The secret is read from ONHOOK_CONNECTION_SECRET, or else from standard input; what the vendor signs with, where that is another \
secret, from ONHOOK_CONNECTION_SIGNING_SECRET. `onhook connection add --account acme VENDOR --help` has an example for each vendor.

Examples:
  printf %s \"$TWILIO_AUTH_TOKEN\" | onhook connection add --account acme twilio --account-sid AC… --number +14155550100
  printf %s \"$LIVEKIT_API_SECRET\" | onhook connection add --account acme livekit --api-key API… --base-url wss://….livekit.cloud";

const SET_HELP: &str = "\
Examples:
  onhook connection set --account acme --id 0190… --label 'Support, Berlin' --max-duration 3600
  onhook connection set --account acme --id 0190… --number +14155550100 --number +14155550101
      These numbers, and no others.
  onhook connection set --account acme --id 0190… --clear answer --clear max-duration";

const ROTATE_HELP: &str = "\
The secret is read from ONHOOK_CONNECTION_SECRET, or else from standard input; ONHOOK_CONNECTION_SIGNING_SECRET replaces what the \
vendor signs with, and unless it is given that stays.

Examples:
  printf %s \"$NEW_AUTH_TOKEN\" | onhook connection rotate --account acme --id 0190…
  printf %s \"$NEW_SECRET\" | onhook connection rotate --account acme --id 0190… --credential api_key_sid=SK… --overlap-s 0 --test";

const ROUTE_HELP: &str = "\
Examples:
  onhook connection route --account acme --number +14155550100 --id 0190…
  onhook connection route --account acme --number +14155550100 --nowhere";

/// A connection of an account.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The account's name
    #[arg(long, value_name = "NAME")]
    account: AccountName,
    /// The connection's id
    #[arg(long, value_name = "ID")]
    id: ConnectionId,
}

/// What the commands work with.
struct Bench<'a> {
    session: &'a Session,
    egress: Egress,
    sealing_key: Arc<SealingKey>,
    account_id: AccountId,
}

impl Command {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        let bench = Bench::new(session, self.account()).await?;
        match self {
            Self::Add { vendor, .. } => bench.add(*vendor).await,
            Self::List { .. } => bench.list().await,
            Self::Show(which) => bench.print(which.id).await,
            Self::Set {
                which,
                settings,
                clear,
            } => bench.change(which.id, settings.change(&clear)?).await,
            Self::Answer { which, answer } => {
                let change = Change {
                    answered_by: Edit::to(answer.parse()?),
                    ..Change::default()
                };
                bench.change(which.id, change).await
            }
            Self::Rotate {
                which,
                credentials,
                overlap_s,
                test,
            } => bench.rotate(which.id, credentials, overlap_s, test).await,
            Self::Test(which) => bench.test(which.id).await,
            Self::Remove { which, force } => {
                let force = if force { Force::Yes } else { Force::No };
                Ok(change::remove(bench.means(), (bench.account_id, which.id), force).await?)
            }
            Self::Route { number, id, .. } => bench.route(&number, id).await,
        }
    }

    fn account(&self) -> &AccountName {
        match self {
            Self::Add { account, .. } | Self::List { account } | Self::Route { account, .. } => {
                account
            }
            Self::Show(which)
            | Self::Set { which, .. }
            | Self::Answer { which, .. }
            | Self::Rotate { which, .. }
            | Self::Test(which)
            | Self::Remove { which, .. } => &which.account,
        }
    }
}

impl<'a> Bench<'a> {
    async fn new(session: &'a Session, account: &AccountName) -> anyhow::Result<Self> {
        let account = access::find_account(&session.db, account).await?;
        Ok(Self {
            session,
            egress: Egress::new(session.config.egress_policy.clone())?,
            sealing_key: session.config.secret_key.read_or_make()?,
            account_id: account.account_id,
        })
    }

    fn means(&self) -> Means<'_> {
        Means {
            db: &self.session.db,
            sealing_key: &self.sealing_key,
            egress: &self.egress,
        }
    }

    async fn add(&self, given: Given) -> anyhow::Result<()> {
        let profile = given.vendor.profile();
        let mut values = given.values;
        values.extend(secrets::all(profile, &self.session.config.connection)?);
        let credentials = credentials::read(profile, &values).map_err(secrets::explain)?;
        let new = NewConnection {
            account_id: self.account_id,
            vendor: given.vendor.name().to_owned(),
            base_url: given.base_url,
            credentials,
            numbers: given.settings.numbers,
            answered_by: None,
        };
        let settings = Settings {
            label: given.settings.label,
            answered_by: given.settings.answer.parse()?,
            max_duration_s: given.settings.max_duration,
        };
        let id = ConnectionId::generate();
        connect::add(self.means(), id, new, (settings, trial(given.test))).await?;
        self.print(id).await
    }

    async fn list(&self) -> anyhow::Result<()> {
        let public_url = &self.session.config.public_url;
        for connection in show::all(self.means(), public_url, self.account_id).await? {
            print(&serde_json::to_string(&connection)?)?;
        }
        Ok(())
    }

    async fn print(&self, id: ConnectionId) -> anyhow::Result<()> {
        let public_url = &self.session.config.public_url;
        let found = show::one(self.means(), public_url, (self.account_id, id)).await?;
        let found = found.context("the account has no such connection")?;
        print(&serde_json::to_string(&found)?)?;
        Ok(())
    }

    async fn change(&self, id: ConnectionId, change: Change) -> anyhow::Result<()> {
        change::change(self.means(), (self.account_id, id), change).await?;
        self.print(id).await
    }

    async fn rotate(
        &self,
        id: ConnectionId,
        replaced: Vec<(String, String)>,
        overlap_s: i32,
        test: bool,
    ) -> anyhow::Result<()> {
        let found = connections::find(&self.session.db, self.account_id, id);
        let sealed = store::ask(found).await?;
        let sealed = sealed.context("the account has no such connection")?;
        let vendor = Vendor::named(sealed.provider()).context("there is no vendor of this name")?;
        let profile = vendor.profile();
        let former = sealed.open(&self.sealing_key)?;
        let mut values = credentials::written(profile, &former.credentials);
        for (name, value) in replaced {
            secrets::expect_plain(profile, &name)?;
            values.insert(name, value.into());
        }
        values.extend(secrets::all(profile, &self.session.config.connection)?);
        let rotation = Rotation {
            credentials: credentials::read(profile, &values).map_err(secrets::explain)?,
            base_url: None,
            overlap: std::time::Duration::from_secs(u64::try_from(overlap_s)?),
            trial: trial(test),
        };
        let change = Change {
            rotation: Some(rotation),
            ..Change::default()
        };
        self.change(id, change).await
    }

    async fn test(&self, id: ConnectionId) -> anyhow::Result<()> {
        let probed = probe::probe(self.means(), (self.account_id, id)).await?;
        let ok = probed.outcome == probe::Outcome::Ok;
        print(&json!({
            "ok": ok,
            "outcome": probed.outcome.as_str(),
            "detail": probed.detail,
            "duration_ms": u64::try_from(probed.took.as_millis())?,
        }))?;
        anyhow::ensure!(ok, "{}", probed.detail);
        Ok(())
    }

    async fn route(&self, number: &E164, id: Option<ConnectionId>) -> anyhow::Result<()> {
        if let Some(id) = id {
            return Ok(route::route(self.means(), (self.account_id, id), number).await?);
        }
        let taken = route::unroute(self.means(), self.account_id, number).await?;
        anyhow::ensure!(taken, "the number is routed to no connection");
        Ok(())
    }
}

fn trial(test: bool) -> Trial {
    if test { Trial::First } else { Trial::Skipped }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
