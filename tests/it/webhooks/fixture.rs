//! An account with endpoints, on a database of its own, and a worker's parts to drive by hand.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use onhook::{
    domain::{
        call::Call,
        call_object::Beside,
        endpoint::subscription::{Filter, Subscription},
        event::EventType,
        id::{AccountId, CallId, DeliveryId, EndpointId},
        lifecycle::Lifecycle,
        report::{ProviderCallId, ProviderName},
    },
    egress::{Egress, address::AddressPolicy},
    metrics::Metrics,
    queue::runner::Wake,
    seal::SealingKey,
    store::{
        attempts::{self, Kept},
        deliveries::{self, Delivery, List},
        pool,
    },
    webhooks::{
        deliver::Deliverer,
        emit::{self, Happening},
        engine::{Engine, Limits},
        manage::{self, AddError, Added, Wanted},
        settings::Settings,
    },
};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use crate::cluster::{Database, fresh_database};

/// An account and what delivers its webhooks.
pub(super) struct Hooks {
    pub(super) db: PgPool,
    pub(super) account_id: AccountId,
    pub(super) deliverer: Deliverer,
    database: Arc<Database>,
}

/// The only one there is.
pub(super) fn sole<T: std::fmt::Debug>(mut all: Vec<T>) -> T {
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// A client that may go to loopback addresses.
pub(super) fn open_egress() -> Egress {
    Egress::new(AddressPolicy::parse("127.0.0.0/8").unwrap()).unwrap()
}

impl Hooks {
    pub(super) async fn boot() -> Self {
        let database = fresh_database().await;
        let db = pool::connect_lazy(database.options(), 8);
        let sealing_key = SealingKey::parse(&SealingKey::generate()).unwrap();
        let deliverer = Deliverer {
            db: db.clone(),
            egress: open_egress(),
            sealing_key: Arc::new(sealing_key),
            wake: Wake::default(),
            metrics: Metrics::new(),
        };
        Self {
            account_id: account(&db).await,
            db,
            deliverer,
            database: Arc::new(database),
        }
    }

    /// Another account in the same database.
    pub(super) async fn another_account(&self) -> Self {
        Self {
            db: self.db.clone(),
            account_id: account(&self.db).await,
            deliverer: self.deliverer.clone(),
            database: Arc::clone(&self.database),
        }
    }

    /// Adds an endpoint; its secret as its owner is shown it.
    pub(super) async fn endpoint(&self, url: &str, types: &[EventType]) -> (EndpointId, String) {
        let types = types.iter().copied().map(Filter::Type);
        let subscription = Subscription::to(types.collect());
        let added = self.add(url, &subscription).await.unwrap();
        let secret = added.secret.expose_secret().to_owned();
        (added.endpoint.endpoint_id, secret)
    }

    /// Adds an endpoint, or not.
    pub(super) async fn add(
        &self,
        url: &str,
        subscription: &Subscription,
    ) -> Result<Added, AddError> {
        let Deliverer {
            egress,
            sealing_key,
            ..
        } = &self.deliverer;
        let wanted = Wanted {
            endpoint_id: EndpointId::generate(),
            account_id: self.account_id,
            settings: Settings {
                subscription: subscription.clone(),
                ..Settings::to(url)
            },
        };
        manage::add(&self.db, egress, sealing_key, wanted).await
    }

    /// A call of the account that has rung.
    pub(super) fn call(&self) -> Call {
        call_of(self.account_id)
    }

    /// Emits events of a call in one transaction; how many deliveries that made.
    pub(super) async fn emit(&self, call: &Call, events: &[EventType]) -> usize {
        let mut tx = self.db.begin().await.unwrap();
        let deliveries = emit_in(&mut tx, call, events).await;
        tx.commit().await.unwrap();
        deliveries
    }

    /// What delivers, not yet running.
    pub(super) fn engine(&self) -> Engine {
        let limits = Limits {
            slots: 64,
            endpoint_slots: 10,
        };
        Engine::new(self.deliverer.clone(), limits)
    }

    /// Delivers what is due, one request after the other.
    pub(super) async fn one_at_a_time(&self) {
        let limits = Limits {
            slots: 2,
            endpoint_slots: 1,
        };
        Engine::new(self.deliverer.clone(), limits).run_due().await;
    }

    /// Delivers what is due, until nothing is.
    pub(super) async fn run_due(&self) {
        self.engine().run_due().await;
    }

    /// Makes every delivery due, whatever its endpoint's circuit.
    pub(super) async fn make_due(&self) {
        self.execute("update delivery_queue set due_at = now()")
            .await;
        self.execute("update endpoint_lanes set open_until = null")
            .await;
    }

    pub(super) async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.db).await.unwrap();
    }

    pub(super) async fn count(&self, table: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(statement)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    /// The account's deliveries, oldest first.
    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let list = List {
            state: None,
            endpoint_id: None,
            call_id: None,
            before: None,
            limit: 10_000,
        };
        let mut all = deliveries::list(&self.db, self.account_id, &list)
            .await
            .unwrap();
        all.reverse();
        all
    }

    /// The attempts at the only delivery there is, newest first.
    pub(super) async fn attempts(&self) -> Vec<Kept> {
        let delivery_id = sole(self.deliveries().await).delivery_id;
        self.attempts_at(delivery_id).await
    }

    pub(super) async fn attempts_at(&self, delivery_id: DeliveryId) -> Vec<Kept> {
        attempts::newest(&self.db, self.account_id, delivery_id, 100)
            .await
            .unwrap()
    }
}

/// A call of an account, that has rung.
pub(super) fn call_of(account_id: AccountId) -> Call {
    let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let call_id = CallId::generate();
    Call {
        life: Lifecycle {
            ringing_at: Some(now),
            ..Lifecycle::default()
        },
        ..Call::unknown(
            account_id,
            call_id,
            ProviderName::voip(),
            ProviderCallId::parse(call_id.to_string()).unwrap(),
            now,
        )
    }
}

/// Emits in the caller's transaction.
pub(super) async fn emit_in(
    conn: &mut sqlx::PgConnection,
    call: &Call,
    events: &[EventType],
) -> usize {
    let beside = Beside::default();
    let happenings: Vec<_> = events
        .iter()
        .map(|event| Happening {
            call,
            beside: &beside,
            event: *event,
            at: call.updated_at,
        })
        .collect();
    emit::emit(conn, &happenings).await.unwrap().deliveries
}

async fn account(db: &PgPool) -> AccountId {
    let account_id = AccountId::generate();
    let name = format!("a{}", account_id.uuid().simple());
    sqlx::query("insert into accounts (account_id, name, business_uid) values ($1, $2, $2)")
        .bind(account_id.uuid())
        .bind(name)
        .execute(db)
        .await
        .unwrap();
    account_id
}
