//! Connections: what is stored of them, and for whom it opens.

use onhook::{
    access::{self, AccountRequest},
    calls::connect::{self, ConnectError, NewConnection},
    domain::{
        account::{AccountName, VoipMode},
        connection::Credentials,
        id::{AccountId, ConnectionId},
        party::E164,
    },
    egress::{Egress, address::AddressPolicy},
    seal::SealingKey,
    store::{connections, pool},
};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;

use crate::cluster::{self, Database};

struct Bench {
    db: PgPool,
    key: SealingKey,
    egress: Egress,
    account_id: AccountId,
    _database: Database,
}

async fn bench() -> Bench {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 4);
    let policy = AddressPolicy::parse("127.0.0.0/8").unwrap();
    Bench {
        account_id: account(&db, "first").await,
        db,
        key: SealingKey::parse(&SealingKey::generate()).unwrap(),
        egress: Egress::new(policy).unwrap(),
        _database: database,
    }
}

async fn account(db: &PgPool, name: &str) -> AccountId {
    let request = AccountRequest {
        name: AccountName::parse(name).unwrap(),
        voip: VoipMode::Key,
        directory: None,
        business_uid: None,
    };
    access::create_account(db, request)
        .await
        .unwrap()
        .account_id
}

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

impl Bench {
    fn twilio(&self) -> NewConnection {
        NewConnection {
            account_id: self.account_id,
            vendor: "twilio".to_owned(),
            base_url: None,
            credentials: Credentials {
                account: "AC1".to_owned(),
                key_id: None,
                secret: "hush-hush".into(),
                signing_secret: Some("sign".into()),
            },
            numbers: vec![number("+14155550100"), number("+14155550101")],
            answered_by: None,
        }
    }

    async fn add(&self, new: NewConnection) -> Result<ConnectionId, ConnectError> {
        connect::connect(&self.db, &self.key, &self.egress, new).await
    }

    async fn opens(&self, id: ConnectionId) -> bool {
        let found = connections::find(&self.db, self.account_id, id).await;
        found.unwrap().unwrap().open(&self.key).is_ok()
    }

    async fn update(&self, set: &'static str, id: ConnectionId) {
        let query = sqlx::query(set).bind(id.uuid());
        query.execute(&self.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_is_stored_sealed_and_opens_for_its_account() {
    let bench = bench().await;
    let id = bench.add(bench.twilio()).await.unwrap();
    let found = connections::find(&bench.db, bench.account_id, id).await;
    let opened = found.unwrap().unwrap().open(&bench.key).unwrap();
    assert_eq!(opened.provider.as_str(), "twilio");
    assert_eq!(opened.base_url.as_str(), "https://api.twilio.com/");
    assert_eq!(opened.credentials.account, "AC1");
    assert_eq!(opened.credentials.secret.expose_secret(), "hush-hush");
    let signing = opened.credentials.signing_secret.unwrap();
    assert_eq!(signing.expose_secret(), "sign");

    let row: String =
        sqlx::query_scalar("select encode(sealed_credentials, 'escape') from connections")
            .fetch_one(&bench.db)
            .await
            .unwrap();
    assert!(!row.contains("hush") && !row.contains("AC1"), "{row}");

    let other = account(&bench.db, "other").await;
    let found = connections::find(&bench.db, other, id).await.unwrap();
    assert!(found.is_none());
    assert!(
        connections::list(&bench.db, other, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        connections::list(&bench.db, bench.account_id, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn credentials_that_were_moved_in_the_table_do_not_open() {
    let bench = bench().await;
    for change in [
        "update connections set base_url = 'https://elsewhere.example/' where connection_id = $1",
        "update connections set provider = 'livekit' where connection_id = $1",
        "update connections set sealed_credentials =
             (select sealed_credentials from connections where connection_id <> $1 limit 1)
         where connection_id = $1",
        "update connections set sealed_credentials = '' where connection_id = $1",
    ] {
        let id = bench.add(bench.twilio()).await.unwrap();
        bench.add(bench.twilio()).await.unwrap();
        assert!(bench.opens(id).await);
        bench.update(change, id).await;
        assert!(!bench.opens(id).await, "{change}");
    }
}

#[tokio::test]
async fn a_number_belongs_to_the_connection_that_took_it_last() {
    let bench = bench().await;
    let (ours, theirs) = (number("+14155550100"), number("+442079460000"));
    let first = bench.add(bench.twilio()).await.unwrap();
    let of = async |account_id, numbers: &[&E164]| {
        connections::for_numbers(&bench.db, account_id, numbers)
            .await
            .unwrap()
    };
    assert_eq!(of(bench.account_id, &[&theirs, &ours]).await, Some(first));
    assert_eq!(of(bench.account_id, &[&theirs]).await, None);
    assert_eq!(of(bench.account_id, &[]).await, None);

    let second = bench.add(bench.twilio()).await.unwrap();
    assert_eq!(of(bench.account_id, &[&ours]).await, Some(second));

    let other = account(&bench.db, "other").await;
    assert_eq!(of(other, &[&ours]).await, None);
}

#[tokio::test]
async fn a_connection_that_could_not_be_used_is_refused() {
    let bench = bench().await;
    let refusal = async |vendor: &str, base_url: Option<&str>| {
        let new = NewConnection {
            vendor: vendor.to_owned(),
            base_url: base_url.map(str::to_owned),
            ..bench.twilio()
        };
        bench.add(new).await.unwrap_err().to_string()
    };
    let inside = "the base URL must lead to a public address";
    for (vendor, base_url, told) in [
        ("pigeon", None, "there is no vendor of this name"),
        (
            "livekit",
            None,
            "this vendor needs a base URL: everybody's is their own",
        ),
        ("twilio", Some("http://10.0.0.1/"), inside),
        ("twilio", Some("http://169.254.169.254/"), inside),
        (
            "twilio",
            Some("ftp://a.example/"),
            "the base URL must begin with http:// or https://",
        ),
        (
            "livekit",
            Some("https://8.8.8.8/?a=b"),
            "the base URL must not contain a query",
        ),
    ] {
        assert_eq!(refusal(vendor, base_url).await, told);
    }
    let allowed = NewConnection {
        base_url: Some("http://127.0.0.1:7880".to_owned()),
        ..bench.twilio()
    };
    bench.add(allowed).await.unwrap();
}
