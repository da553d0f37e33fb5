//! The service in this process, on a database of its own: the real composition on port 0, its jobs run by hand.

use std::{ffi::OsString, time::Duration};

use onhook::{
    access::{self, AccountRequest, KeyRequest},
    app::{App, Role},
    calls::{
        Tools,
        connect::{self, NewConnection},
    },
    config::Config,
    domain::{
        account::{AccountName, BusinessUid, KeyKind, VoipMode},
        id::{AccountId, ConnectionId},
        text::Text,
    },
    store::accounts::Account,
};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use crate::{
    cluster::{Database, fresh_database},
    contract::RequestBuilder,
};

/// A running service.
pub(crate) struct TestApp {
    /// Its database, to look at what no answer shows.
    pub(crate) db: PgPool,
    app: App,
    client: reqwest::Client,
    database: Database,
}

/// An account made for a test.
#[derive(Debug, Clone)]
pub(crate) struct TestAccount {
    /// Its id.
    pub(crate) id: AccountId,
    /// What the voice-calls surface calls it.
    pub(crate) business_uid: String,
    /// A key of the kind `app`.
    pub(crate) key: String,
}

impl TestApp {
    /// Starts it; requests may go to this machine, where the test's receivers are.
    pub(crate) async fn boot() -> Self {
        Self::boot_with(&[]).await
    }

    /// Starts it with more settings.
    pub(crate) async fn boot_with(settings: &[(&str, &str)]) -> Self {
        Self::boot_on(fresh_database().await, settings).await
    }

    /// Starts another replica on its database, one that works and listens to providers.
    pub(crate) async fn worker(&self) -> App {
        self.worker_with(&[]).await
    }

    /// The same, with more settings.
    pub(crate) async fn worker_with(&self, settings: &[(&str, &str)]) -> App {
        let settings = [&[("ONHOOK_SHUTDOWN_GRACE_S", "1")], settings].concat();
        let config = config(&self.database, &settings);
        App::start(config, Role::Worker).await.unwrap()
    }

    /// Adds a connection.
    pub(crate) async fn connect(&self, new: NewConnection) -> ConnectionId {
        let tools = self.tools();
        let added = connect::connect(&tools.db, &tools.sealing_key, &tools.egress, new);
        added.await.unwrap()
    }

    /// Starts it on a database that is there; the schema is brought up to date.
    pub(crate) async fn boot_on(database: Database, settings: &[(&str, &str)]) -> Self {
        let app = Self::start_on(database, settings).await;
        app.account("default", VoipMode::Open).await;
        app
    }

    /// Stops it and starts it anew with other settings.
    pub(crate) async fn restart_with(self, settings: &[(&str, &str)]) -> Self {
        Self::start_on(self.stop().await, settings).await
    }

    async fn start_on(database: Database, settings: &[(&str, &str)]) -> Self {
        let config = config(&database, settings);
        let app = App::start(config, Role::Api).await.unwrap();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let db = app.tools().db.clone();
        Self {
            db,
            app,
            client,
            database,
        }
    }

    /// What verbs work with.
    pub(crate) fn tools(&self) -> &Tools {
        self.app.tools()
    }

    /// Where a path is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.address())
    }

    /// A request without credentials. Its answer must be one that `openapi.yaml` knows.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.unchecked(method, path))
    }

    /// A request whose answer nobody checks: for paths and methods that are in no document.
    pub(crate) fn unchecked(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A GET with a key.
    pub(crate) fn get(&self, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(key)
    }

    /// A POST with a key.
    pub(crate) fn post(&self, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(key)
    }

    /// A PUT with a key.
    pub(crate) fn put(&self, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::PUT, path).bearer_auth(key)
    }

    /// Another account, with a key.
    pub(crate) async fn account(&self, name: &str, voip: VoipMode) -> TestAccount {
        let request = AccountRequest {
            name: AccountName::parse(name).unwrap(),
            voip,
            directory: None,
            business_uid: Some(BusinessUid::parse(&format!("business-{name}")).unwrap()),
        };
        let account = access::create_account(&self.db, request).await.unwrap();
        self.with_key(account).await
    }

    /// The default account, whose voip surface is open, with a new key.
    pub(crate) async fn default_account(&self) -> TestAccount {
        let account = access::find_account(&self.db, &AccountName::first())
            .await
            .unwrap();
        self.with_key(account).await
    }

    /// An account that a directory account may act for, with a key of its own.
    pub(crate) async fn account_below(&self, name: &str, directory: &str) -> TestAccount {
        let request = AccountRequest {
            name: AccountName::parse(name).unwrap(),
            voip: VoipMode::Key,
            directory: Some(AccountName::parse(directory).unwrap()),
            business_uid: Some(BusinessUid::parse(&format!("business-{name}")).unwrap()),
        };
        let account = access::create_account(&self.db, request).await.unwrap();
        self.with_key(account).await
    }

    /// A new key of an account. A client's is the client `c-1`'s.
    pub(crate) async fn key(&self, account: AccountId, kind: KeyKind) -> String {
        self.key_of(account, request(kind)).await
    }

    /// A new key, as it is asked for.
    pub(crate) async fn key_of(&self, account: AccountId, request: KeyRequest) -> String {
        let key = access::create_key(&self.db, account, request)
            .await
            .unwrap();
        key.key.expose_secret().to_owned()
    }

    /// Runs every job that is due, and those that follow, until none is.
    pub(crate) async fn run_jobs(&self) {
        self.app.runner().run_due().await;
        self.app.engine().run_due().await;
    }

    /// Makes every waiting job due now.
    pub(crate) async fn make_jobs_due(&self) {
        for due in [
            "update jobs set run_at = now() where state = 'available'",
            "update delivery_queue set due_at = now()",
            "update endpoint_lanes set open_until = null",
        ] {
            sqlx::query(due).execute(&self.db).await.unwrap();
        }
    }

    /// What is counted, as Prometheus reads it.
    pub(crate) async fn metrics(&self) -> String {
        let counted = self.request(Method::GET, "/metrics").send().await.unwrap();
        counted.text().await.unwrap()
    }

    /// How many jobs there are of a kind, whatever their state.
    pub(crate) async fn jobs(&self, kind: &str) -> i64 {
        sqlx::query_scalar("select count(*) from jobs where kind = $1")
            .bind(kind)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    /// Its database, for another process.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Stops it as an operator would, and answers its database.
    pub(crate) async fn stop(self) -> Database {
        self.app.stop().await;
        self.database
    }

    async fn with_key(&self, account: Account) -> TestAccount {
        let key = self.key(account.account_id, KeyKind::App).await;
        TestAccount {
            id: account.account_id,
            business_uid: account.business_uid,
            key,
        }
    }
}

/// The settings of a service on a database.
fn config(database: &Database, settings: &[(&str, &str)]) -> Config {
    let given = [
        ("DATABASE_URL", database.url()),
        ("ONHOOK_LISTEN", "127.0.0.1:0"),
        ("ONHOOK_SECRET_KEY", &"5e".repeat(32)),
        ("ONHOOK_EGRESS_ALLOW", "127.0.0.0/8"),
        ("ONHOOK_ALLOW_WEAK_DURABILITY", "1"),
    ];
    let own = |name: &str| settings.iter().any(|(set, _)| *set == name);
    let variables = given
        .iter()
        .filter(|(name, _)| !own(name))
        .chain(settings)
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::parse(variables).unwrap()
}

/// What a plain key of a kind is asked for with.
pub(crate) fn request(kind: KeyKind) -> KeyRequest {
    KeyRequest {
        kind,
        staff_uid: None,
        client_uid: (kind == KeyKind::Client).then(|| Text::parse("c-1").unwrap()),
        prefer: None,
        transcripts: None,
        expires_in_days: None,
    }
}
