//! The double, which can be switched off and on again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use onhook::{
    calls::connect::NewConnection,
    domain::{connection::Credentials, id::ConnectionId, state::Direction},
    simulate::{
        doubles,
        ledger::{LedgerCall, Step},
        script::Chances,
        world::{Service, World},
    },
    supervisor::Supervisor,
};
use tokio::net::TcpListener;

use crate::{
    app::{TestAccount, TestApp},
    deadline::eventually,
};

use super::{LONG, OURS};

/// The double.
pub(super) struct Pbx {
    pub(super) world: Arc<World>,
    address: SocketAddr,
    running: Supervisor,
}

impl Pbx {
    pub(super) async fn start(app: &TestApp, account: &TestAccount) -> Self {
        let nothing_goes_wrong = Chances {
            refused: 0,
            lost_answers: 0,
            ..Chances::default()
        };
        let service = Service {
            address: app
                .url("")
                .strip_prefix("http://")
                .unwrap()
                .parse()
                .unwrap(),
            key: account.key.as_str().into(),
            inbound_path: String::new(),
            public_url: String::new(),
        };
        let double = doubles::named("asterisk").unwrap();
        let world = World::new(double, service, 1, nothing_goes_wrong).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut pbx = Self {
            world: Arc::new(world),
            address: listener.local_addr().unwrap(),
            running: Supervisor::new(),
        };
        pbx.serve(listener);
        pbx
    }

    fn serve(&mut self, listener: TcpListener) {
        self.running = Supervisor::new();
        let world = Arc::clone(&self.world);
        self.running.spawn("double", move |stop| async move {
            let double = world.double();
            double.serve(listener, world, stop).await;
        });
    }

    pub(super) async fn switch_off(&self) {
        self.running.shutdown(Duration::from_secs(5)).await;
        self.listened_to_by(0).await;
    }

    pub(super) async fn switch_on(&mut self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    pub(super) async fn listened_to_by(&self, listeners: usize) {
        let what = format!("{listeners} listeners");
        eventually(LONG, &what, async || {
            (self.world.stream().receiver_count() == listeners).then_some(())
        })
        .await;
    }

    pub(super) async fn connect(
        &self,
        app: &TestApp,
        account: &TestAccount,
        password: &str,
    ) -> ConnectionId {
        let new = NewConnection {
            account_id: account.id,
            vendor: "asterisk".to_owned(),
            base_url: Some(format!("http://{}/", self.address)),
            credentials: Credentials {
                secret: password.into(),
                ..self.world.double().credentials()
            },
            numbers: vec![OURS.parse().unwrap()],
            answered_by: None,
        };
        app.connect(new).await
    }

    /// A call comes in; nobody is told.
    pub(super) fn rings(&self, id: &str) -> LedgerCall {
        let mut ledger = self.world.ledger();
        let parties = ("+14155550148", OURS);
        let call = LedgerCall::new(id.to_owned(), parties, Direction::Inbound, ledger.now());
        ledger.begin(call.clone());
        call
    }

    pub(super) async fn tell(&self, call: &LedgerCall, step: Step) {
        assert!(self.world.double().tell(&self.world, call, step).await);
    }

    /// A call takes a step, and everybody is told.
    pub(super) async fn step(&self, id: &str, step: Step) {
        let call = self.world.ledger().step(id, step).unwrap();
        self.tell(&call, step).await;
    }
}
