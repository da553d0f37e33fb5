//! `onhook endpoint`: where an account's webhooks go. A signing secret is printed once and can never be read again; everything else is
//! printed as the API shows it.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    api::endpoints::{EndpointObject, EndpointTested, KeyRotated},
    domain::{
        account::AccountName,
        endpoint::{
            ENDPOINTS_MAX, MAX_CONCURRENCY_MAX, MAX_PER_SECOND_MAX, OVERLAP_S_DEFAULT,
            OVERLAP_S_MAX, Scheme,
            subscription::{Filter, Subscription},
        },
        id::{AccountId, EndpointId, EndpointKeyId},
        voice_call::update::Edit,
    },
    egress::{Egress, address::Refusal},
    seal::SealingKey,
    store::{self, endpoints},
    webhooks::{
        keys,
        manage::{self, AddError, Wanted},
        settings::{self, Change, Means, Settings},
        trial,
    },
};

/// What to do with endpoints.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds an endpoint and prints it as JSON, with its signing secret: it is shown only this once
    #[command(after_help = ADD_HELP)]
    Add {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// Where events are posted
        url: String,
        /// What it is told, separated by commas; everything that happens to calls if not given
        #[arg(long, value_name = "TYPES", value_delimiter = ',')]
        events: Vec<Filter>,
    },
    /// Prints every endpoint of an account as a line of JSON, without its secrets
    List {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
    },
    /// Prints an endpoint as JSON, without its secrets
    Show(Which),
    /// Changes what is set of an endpoint; what is not named stays
    #[command(after_help = SET_HELP)]
    Set {
        /// Which
        #[command(flatten)]
        which: Which,
        /// What is set
        #[command(flatten)]
        given: Given,
    },
    /// Starts a disabled endpoint again: it is told what happens from now on
    Enable(Which),
    /// Stops an endpoint, and discards what is on its way to it
    Disable(Which),
    /// Makes a new signing secret and prints it as JSON: it is shown only this once
    #[command(after_help = ROTATE_HELP)]
    RotateSecret {
        /// Which
        #[command(flatten)]
        which: Which,
        /// How it signs: v1 (HMAC-SHA256) or v1a (ed25519)
        #[arg(long, value_name = "SCHEME", default_value = "v1", value_parser = scheme)]
        scheme: Scheme,
        /// For how many seconds the present one signs beside it; 0 after a leak, so that none made before signs any more
        #[arg(long, value_name = "SECONDS", default_value_t = OVERLAP_S_DEFAULT, value_parser = clap::value_parser!(i32).range(0..=i64::from(OVERLAP_S_MAX)))]
        overlap: i32,
    },
    /// Sends one event of the type webhook.test now and prints what was sent and what came back; fails if it was not taken
    #[command(after_help = TEST_HELP)]
    Test(Which),
    /// Removes an endpoint and discards what is on its way to it; its deliveries so far stay to be read
    Remove(Which),
}

const ADD_HELP: &str = "\
Examples:
  onhook endpoint add --account acme https://example.com/hook
  onhook endpoint add --account acme https://example.com/hook --events call.ended,call.analyzed
  onhook endpoint add --account acme https://example.com/ops --events 'call.*,termination.failed,endpoint.disabled'
      What tells how calls go, and two of the types that are told only where they are named.
  ONHOOK_EGRESS_ALLOW=127.0.0.0/8 onhook endpoint add --account acme http://127.0.0.1:9000/hook
      An endpoint inside. The service needs the same setting to go there.";

const SET_HELP: &str = "\
Examples:
  onhook endpoint set --account acme --id 0190… --events call.ended
  onhook endpoint set --account acme --id 0190… --signatures v1,v1a
      Signed by the secret and by the public key, which `onhook endpoint show` prints.
  onhook endpoint set --account acme --id 0190… --max-per-second 20 --max-concurrency none";

const ROTATE_HELP: &str = "\
Put the new secret where the receiver verifies before the overlap is over: until then webhooks are signed with both.

Examples:
  onhook endpoint rotate-secret --account acme --id 0190…
  onhook endpoint rotate-secret --account acme --id 0190… --overlap 3600
  onhook endpoint rotate-secret --account acme --id 0190… --overlap 0
      Somebody else has the secret: it signs nothing any more.";

const TEST_HELP: &str = "\
It is signed and has the endpoint's own headers, as every webhook. It is sent from here, not from where the service runs, is not tried \
again and not kept. An endpoint that is disabled is tried, too.";

/// An endpoint of an account.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The account's name
    #[arg(long, value_name = "NAME")]
    account: AccountName,
    /// The endpoint's id
    #[arg(long, value_name = "ID")]
    id: EndpointId,
}

/// What is to be set of an endpoint.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Given {
    /// Where events are posted
    #[arg(long)]
    url: Option<String>,
    /// What it is told, separated by commas; `*` for everything that happens to calls
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    events: Option<Vec<Filter>>,
    /// How its webhooks are signed, separated by commas: v1 (HMAC-SHA256), v1a (ed25519)
    #[arg(long, value_name = "SCHEMES", value_delimiter = ',', value_parser = scheme)]
    signatures: Option<Vec<Scheme>>,
    /// How many requests it takes in a second, at most: 1 to 1000, or none
    #[arg(long, value_name = "COUNT", value_parser = |text: &str| bound(text, MAX_PER_SECOND_MAX))]
    max_per_second: Option<Edit<i32>>,
    /// How many requests it takes at once, at most: 1 to 100, or none
    #[arg(long, value_name = "COUNT", value_parser = |text: &str| bound(text, MAX_CONCURRENCY_MAX))]
    max_concurrency: Option<Edit<i32>>,
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
        let (db, account_id) = (&session.db, bench.account_id);
        match self {
            Self::Add { url, events, .. } => bench.add(url, events).await,
            Self::List { .. } => bench.list().await,
            Self::Show(which) => bench.print(which.id).await,
            Self::Set { which, given } => bench.change(which.id, given.change()).await,
            Self::Enable(which) => {
                there(settings::enable(db, account_id, which.id).await?)?;
                bench.print(which.id).await
            }
            Self::Disable(which) => {
                there(settings::disable(db, account_id, which.id).await?)?;
                bench.print(which.id).await
            }
            Self::RotateSecret {
                which,
                scheme,
                overlap,
            } => bench.rotate(which.id, scheme, overlap).await,
            Self::Test(which) => bench.test(which.id).await,
            Self::Remove(which) => there(manage::remove(db, account_id, which.id).await?),
        }
    }

    fn account(&self) -> &AccountName {
        match self {
            Self::Add { account, .. } | Self::List { account } => account,
            Self::Show(which)
            | Self::Set { which, .. }
            | Self::Enable(which)
            | Self::Disable(which)
            | Self::RotateSecret { which, .. }
            | Self::Test(which)
            | Self::Remove(which) => &which.account,
        }
    }
}

impl Given {
    fn change(self) -> Change {
        let signatures = self.signatures.map(|mut schemes| {
            schemes.sort_unstable();
            schemes.dedup();
            schemes
        });
        Change {
            url: self.url,
            subscription: self.events.map(Subscription::to),
            signatures,
            max_per_second: self.max_per_second.unwrap_or_default(),
            max_concurrency: self.max_concurrency.unwrap_or_default(),
            ..Change::default()
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
            egress: &self.egress,
            sealing_key: &self.sealing_key,
        }
    }

    async fn add(&self, url: String, events: Vec<Filter>) -> anyhow::Result<()> {
        let wanted = Wanted {
            account_id: self.account_id,
            endpoint_id: EndpointId::generate(),
            settings: Settings {
                subscription: Subscription::to(events),
                ..Settings::to(url)
            },
        };
        let added = manage::add(&self.session.db, &self.egress, &self.sealing_key, wanted);
        let added = added.await.map_err(explain)?;
        print(&json!({
            "id": added.endpoint.endpoint_id,
            "url": added.endpoint.url,
            "event_types": added.endpoint.subscription.filters(),
            "secret": added.secret.expose_secret(),
        }))?;
        Ok(())
    }

    async fn list(&self) -> anyhow::Result<()> {
        let all = (None, ENDPOINTS_MAX);
        let listed = endpoints::list(&self.session.db, self.account_id, all);
        for endpoint in store::ask(listed).await? {
            print(&serde_json::to_string(&EndpointObject::from(endpoint))?)?;
        }
        Ok(())
    }

    async fn print(&self, id: EndpointId) -> anyhow::Result<()> {
        let found = endpoints::find(&self.session.db, self.account_id, id);
        let found = store::ask(found).await?;
        let endpoint = found.context(NO_SUCH)?;
        print(&serde_json::to_string(&EndpointObject::from(endpoint))?)?;
        Ok(())
    }

    async fn change(&self, id: EndpointId, change: Change) -> anyhow::Result<()> {
        there(settings::change(self.means(), (self.account_id, id), change).await?)?;
        self.print(id).await
    }

    async fn rotate(&self, id: EndpointId, scheme: Scheme, overlap_s: i32) -> anyhow::Result<()> {
        let wanted = keys::Wanted {
            key_id: EndpointKeyId::generate(),
            scheme,
            overlap_s,
        };
        let of = (self.account_id, id);
        let rotated = keys::rotate(&self.session.db, &self.sealing_key, of, wanted).await?;
        let shown = rotated.and_then(KeyRotated::new).context(NO_SUCH)?;
        print(&serde_json::to_string(&shown)?)?;
        Ok(())
    }

    async fn test(&self, id: EndpointId) -> anyhow::Result<()> {
        let tried = trial::run(self.means(), (self.account_id, id)).await?;
        let tested = EndpointTested::from(tried.context(NO_SUCH)?);
        print(&serde_json::to_string(&tested)?)?;
        let outcome = tested.outcome.as_str();
        anyhow::ensure!(tested.ok, "the endpoint did not take it: {outcome}");
        Ok(())
    }
}

const NO_SUCH: &str = "the account has no such endpoint";

fn there(there: bool) -> anyhow::Result<()> {
    anyhow::ensure!(there, NO_SUCH);
    Ok(())
}

fn scheme(text: &str) -> Result<Scheme, String> {
    let known = [Scheme::V1, Scheme::V1a];
    let found = known.into_iter().find(|scheme| scheme.as_str() == text);
    found.ok_or_else(|| "must be one of v1, v1a".to_owned())
}

/// A bound, or `none` to take it away.
fn bound(text: &str, most: i32) -> Result<Edit<i32>, String> {
    if text == "none" {
        return Ok(Edit::Clear);
    }
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    let wrong = || format!("must be a whole number from 1 to {most}, or none");
    count.map(Edit::Set).ok_or_else(wrong)
}

fn explain(error: AddError) -> anyhow::Error {
    match error {
        AddError::Url(refusal @ Refusal::Address) => anyhow::Error::new(refusal)
            .context("the URL (a network inside has to be named in ONHOOK_EGRESS_ALLOW)"),
        AddError::Url(refusal) => anyhow::Error::new(refusal).context("the URL"),
        AddError::TooMany | AddError::Headers(_) | AddError::Secret(_) | AddError::Store(_) => {
            error.into()
        }
    }
}
