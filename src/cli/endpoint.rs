//! `onhook endpoint`: where an account's webhooks go. The signing secret is printed once and can never be read again.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    domain::{
        account::AccountName,
        endpoint::subscription::{Filter, Subscription},
        id::EndpointId,
    },
    egress::{Egress, address::Refusal},
    webhooks::{
        manage::{self, AddError, Wanted},
        settings::Settings,
    },
};

/// What to do with endpoints.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds an endpoint and prints it as JSON, with its signing secret: it is shown only this once
    #[command(after_help = "Examples:
  onhook endpoint add --account acme https://example.com/hook
  onhook endpoint add --account acme https://example.com/hook --events call.ended,call.analyzed
  ONHOOK_EGRESS_ALLOW=127.0.0.0/8 onhook endpoint add --account acme http://127.0.0.1:9000/hook
      An endpoint inside. The service needs the same setting to go there.")]
    Add {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: AccountName,
        /// Where events are posted
        url: String,
        /// What it is told, separated by commas; everything if not given
        #[arg(long, value_name = "TYPES", value_delimiter = ',')]
        events: Vec<Filter>,
    },
}

impl Command {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self::Add {
            account,
            url,
            events,
        } = self;
        session.expect_schema().await?;
        let account = access::find_account(&session.db, &account).await?;
        let egress = Egress::new(session.config.egress_policy.clone())?;
        let sealing_key = session.config.secret_key.read_or_make()?;
        let settings = Settings {
            subscription: Subscription::to(events),
            ..Settings::to(url)
        };
        let added = manage::add(
            &session.db,
            &egress,
            &sealing_key,
            Wanted {
                account_id: account.account_id,
                endpoint_id: EndpointId::generate(),
                settings,
            },
        );
        let added = added.await.map_err(explain)?;
        print(&json!({
            "id": added.endpoint.endpoint_id,
            "url": added.endpoint.url,
            "event_types": added.endpoint.subscription.filters(),
            "secret": added.secret.expose_secret(),
        }))?;
        Ok(())
    }
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
