//! A provider played on loopback, and this service beside it: thousands of calls whose callbacks are lost, doubled and out of
//! order, and whose hang-ups meet refusals. The provider keeps a ledger; at the end every record must be its truth.
//!
//! [`double`] is what a provider is to the simulation, [`doubles`] are those that there are, [`ledger`] is what truly
//! happened, [`script`] decides what will, [`world`] connects the provider to the service, [`play`] lives the calls,
//! [`verdict`] compares. [`callbacks`] shows what a double signs.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, time::Instant};

use crate::{
    access::{self, AccountRequest, KeyRequest},
    app::{App, Role},
    calls::connect::{self, NewConnection},
    config::Config,
    domain::account::{AccountName, KeyKind, VoipMode},
    supervisor::Supervisor,
};

pub mod callbacks;
pub mod double;
pub mod doubles;
pub mod ledger;
mod play;
pub mod script;
mod verdict;
pub mod world;

use double::Double;
use script::Chances;
use world::{Service, World};

pub use verdict::Verdict;

/// The account's number in every call.
pub const OURS: &str = "+14155550901";

/// What is to be played.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Which provider.
    pub double: &'static dyn Double,
    /// How many calls.
    pub calls: u32,
    /// How many are live at once, at most.
    pub at_once: usize,
    /// The same seed makes the same calls.
    pub seed: u64,
    /// What goes wrong how often.
    pub chances: Chances,
    /// How long calls may take to be over here once they are over there.
    pub patience: Duration,
}

/// Plays it with a service of its own, on the database that the settings lead to, which must be empty.
pub async fn run(
    plan: Plan,
    config: Config,
    progress: impl Fn(String) + Sync,
) -> anyhow::Result<Verdict> {
    let public_url = Arc::clone(&config.public_url);
    let app = App::start(config, Role::All).await?;
    let supervisor = Supervisor::new();
    let verdict = Box::pin(against(plan, &app, (&supervisor, &public_url), &progress)).await;
    supervisor.shutdown(Duration::from_secs(5)).await;
    app.stop().await;
    verdict
}

async fn against(
    plan: Plan,
    app: &App,
    (supervisor, public_url): (&Supervisor, &str),
    progress: &(impl Fn(String) + Sync),
) -> anyhow::Result<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = service(plan.double, app, &plan.double.base_url(address), public_url).await?;
    let world = Arc::new(World::new(plan.double, service, plan.seed, plan.chances)?);
    let served = Arc::clone(&world);
    supervisor.spawn("double", move |stop| async move {
        served
            .double()
            .serve(listener, Arc::clone(&served), stop)
            .await;
    });
    let playing = play::play(&plan, Arc::clone(&world));
    tokio::pin!(playing);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            played = &mut playing => break played?,
            _ = tick.tick() => progress(world.progress(plan.calls)),
        }
    }
    let deadline = Instant::now() + plan.patience;
    loop {
        let live = world.service().live().await?;
        progress(format!(
            "every call is over at the provider; {live} live here"
        ));
        let late = Instant::now() > deadline;
        if live == 0 || late {
            let verdict = verdict::judge(&world).await?;
            // A hang-up whose answer was lost is asked for again.
            if late || !verdict.is_unsettled() {
                return Ok(verdict);
            }
        }
        tick.tick().await;
    }
}

/// The account of the simulation, its key and its connection to the double.
async fn service(
    double: &dyn Double,
    app: &App,
    base_url: &str,
    public_url: &str,
) -> anyhow::Result<Service> {
    let tools = app.tools();
    let account = AccountRequest {
        name: AccountName::parse("simulated").context("the account's name")?,
        voip: VoipMode::Key,
        directory: None,
        business_uid: None,
    };
    let account = access::create_account(&tools.db, account).await?;
    let request = KeyRequest {
        kind: KeyKind::App,
        staff_uid: None,
        client_uid: None,
        prefer: None,
        transcripts: None,
        expires_in_days: None,
    };
    let key = access::create_key(&tools.db, account.account_id, request).await?;
    let new = NewConnection {
        account_id: account.account_id,
        vendor: double.provider().to_owned(),
        base_url: Some(base_url.to_owned()),
        credentials: double.credentials(),
        numbers: vec![OURS.parse().context("the account's number")?],
        answered_by: None,
    };
    let id = connect::connect(&tools.db, &tools.sealing_key, &tools.egress, new).await?;
    Ok(Service {
        address: app.address(),
        key: key.key,
        inbound_path: format!("/inbound/{}/{id}", double.provider()),
        public_url: public_url.to_owned(),
    })
}
