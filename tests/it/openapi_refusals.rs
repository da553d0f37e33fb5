//! Every refusal in `openapi.yaml` says what the operation really says: each is provoked and held against its example. Not
//! provoked are 500, which nobody can ask for, and 408, which `serve` waits for.

use std::collections::BTreeSet;

use onhook::{
    access,
    domain::account::{AccountName, KeyKind, VoipMode},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    app::{TestAccount, TestApp},
    contract::{RequestBuilder, examples, operations},
};

mod conflicts;
mod faults;

/// What providers are told to call, and sign.
const PUBLIC_URL: &str = "https://calls.example.com";

const UNKNOWN: &str = "0199c0de-0000-7000-8000-0000000000ff";

/// A key that was never given out.
const STRANGE: &str = "onhook_app_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// An operation of the document that can refuse.
#[derive(Debug, Clone, Copy)]
struct Operation {
    method: &'static str,
    template: &'static str,
    described: &'static Value,
}

/// What was compared so far, and what was found.
#[derive(Default)]
struct Compared {
    done: BTreeSet<String>,
    faults: Vec<String>,
}

/// The operations that document this status.
fn that_may_answer(status: u16) -> impl Iterator<Item = Operation> {
    let all = operations().map(|(method, template, described)| Operation {
        method,
        template,
        described,
    });
    // The probe of readiness answers 503 with what it found; it refuses nobody.
    all.filter(move |operation| {
        operation.template != "/readyz"
            && operation.described["responses"][status.to_string()].is_object()
    })
}

impl Operation {
    fn find(method: &'static str, template: &'static str) -> Self {
        let mut all = operations();
        let found = all.find(|(m, t, _)| (*m, *t) == (method, template));
        let (_, _, described) = found.unwrap_or_else(|| panic!("there is no {method} {template}"));
        Self {
            method,
            template,
            described,
        }
    }

    /// The path with an id in it.
    fn path(self, id: &str) -> String {
        let provider = self.template.replace("{provider}", "twilio");
        // What is no id is no number, either.
        let number = if id == "x" { id } else { "+14155550199" };
        let provider = provider.replace("{number}", number);
        ["{id}", "{uid}", "{connection_id}"]
            .iter()
            .fold(provider, |path, name| path.replace(name, id))
    }

    fn begin(self, app: &TestApp, path: &str) -> RequestBuilder {
        let method: Method = self.method.to_uppercase().parse().unwrap();
        // What is otherwise 200 with nothing says why.
        app.request(method, path)
            .header("prefer", "handling=strict")
    }

    /// The media type of the body that it reads, and the example of that.
    fn body(self) -> Option<(&'static str, &'static Value)> {
        let contents = self.described["requestBody"]["content"].as_object()?;
        let (media, content) = contents.iter().next()?;
        Some((media, examples(content)[0]))
    }

    /// The request with the documented body.
    fn as_documented(self, app: &TestApp, id: &str) -> RequestBuilder {
        let request = self.begin(app, &self.path(id));
        match self.body() {
            None => request,
            Some((media, Value::String(text))) => {
                request.header("content-type", media).body(text.clone())
            }
            Some((media, example)) => {
                let body = example.to_string();
                request.header("content-type", media).body(body)
            }
        }
    }

    /// A kind of key that may not do this.
    fn forbidden_to(self) -> KeyKind {
        if self.template.starts_with("/api/v1/voip/") {
            KeyKind::Client
        } else {
            KeyKind::Ingest
        }
    }
}

/// What a refusal says, without what is of this one request: which it was, and how many there may be.
fn of_every_request(mut refusal: Value) -> Value {
    if let Some(fields) = refusal.as_object_mut() {
        fields.remove("instance");
        fields.remove("request_id");
    }
    if refusal.to_string().contains(" a minute; try again in ") {
        let text = refusal
            .to_string()
            .replace(|c: char| c.is_ascii_digit(), "");
        return json!(text);
    }
    refusal
}

impl Compared {
    fn compare(&mut self, operation: Operation, status: u16, body: &Value) {
        let at = format!("{} {} {status}", operation.method, operation.template);
        let contents = &operation.described["responses"][status.to_string()]["content"];
        let (_, content) = contents.as_object().unwrap().iter().next().unwrap();
        let said = of_every_request(body.clone());
        for example in examples(content) {
            let shown = of_every_request(example.clone());
            if said != shown {
                self.faults
                    .push(format!("{at}\n  says  {said}\n  shows {shown}"));
            }
        }
        self.done.insert(at);
    }

    async fn expect(
        &mut self,
        operation: Operation,
        status: u16,
        answer: reqwest::Result<Response>,
    ) {
        let answer = answer.unwrap();
        let got = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        if got == status {
            self.compare(operation, status, &serde_json::from_str(&body).unwrap());
        } else {
            let at = format!("{} {}", operation.method, operation.template);
            self.faults
                .push(format!("{at}: {got} instead of {status}: {body}"));
        }
    }
}

/// Refused for what the request comes with, whatever it asks for.
async fn credentials(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for operation in that_may_answer(401) {
        let request = operation.as_documented(app, UNKNOWN).bearer_auth(STRANGE);
        compared.expect(operation, 401, request.send().await).await;
    }
    for operation in that_may_answer(403) {
        let key = app.key(account.id, operation.forbidden_to()).await;
        let request = operation.as_documented(app, UNKNOWN).bearer_auth(key);
        compared.expect(operation, 403, request.send().await).await;
    }
}

async fn media_and_size(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for operation in that_may_answer(415) {
        let request = operation.begin(app, &operation.path(UNKNOWN));
        let request = request.bearer_auth(&account.key);
        let request = request.header("content-type", "text/html").body("x");
        compared.expect(operation, 415, request.send().await).await;
    }
    for operation in that_may_answer(413) {
        let bytes_max = operation.described["x-body-bytes-max"].as_u64().unwrap();
        let body = " ".repeat(usize::try_from(bytes_max).unwrap() + 1);
        let (media, _) = operation.body().unwrap();
        let request = operation.begin(app, &operation.path(UNKNOWN));
        let request = request.bearer_auth(&account.key);
        let request = request.header("content-type", media).body(body);
        compared.expect(operation, 413, request.send().await).await;
    }
}

/// Nothing that the client takes can be given.
async fn not_acceptable(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for operation in that_may_answer(406) {
        let request = operation.as_documented(app, UNKNOWN);
        let request = request.bearer_auth(&account.key);
        let request = request.header("accept", "image/png");
        compared.expect(operation, 406, request.send().await).await;
    }
}

async fn nothing_there(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for operation in that_may_answer(404) {
        // The room's server is looked for first: `conflicts` has one.
        if operation.template == "/v1/calls/{id}/room" {
            continue;
        }
        let request = if operation.template.starts_with("/inbound/") {
            let path = operation.template.replace("{provider}", "nobody");
            operation.begin(app, &path.replace("{connection_id}", UNKNOWN))
        } else {
            operation.as_documented(app, UNKNOWN)
        };
        let request = request.bearer_auth(&account.key);
        compared.expect(operation, 404, request.send().await).await;
    }
}

/// Two Host headers, which no HTTP library sends: what may be answered 400 where nothing else can be wrong.
async fn with_two_hosts(app: &TestApp, operation: Operation) -> Value {
    let url = app.url("");
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (method, path) = (operation.method.to_uppercase(), operation.path(UNKNOWN));
    let hosts = "host: a\r\nhost: b\r\nconnection: close";
    let head = format!("{method} {path} HTTP/1.1\r\n{hosts}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

async fn too_many(compared: &mut Compared) {
    let bounds = [
        ("ONHOOK_REQUESTS_PER_KEY", "1"),
        ("ONHOOK_REPORTS_PER_KEY", "1"),
    ];
    let app = TestApp::boot_with(&bounds).await;
    let account = app.account("acme", VoipMode::Key).await;
    for operation in that_may_answer(429) {
        let key = app.key(account.id, KeyKind::App).await;
        let first = operation.as_documented(&app, UNKNOWN).bearer_auth(&key);
        first.send().await.unwrap();
        let second = operation.as_documented(&app, UNKNOWN).bearer_auth(&key);
        compared.expect(operation, 429, second.send().await).await;
    }
}

async fn database_away(app: TestApp, account: &TestAccount, compared: &mut Compared) {
    app.db.close().await;
    for operation in that_may_answer(503) {
        let request = operation.as_documented(&app, UNKNOWN);
        let request = request.bearer_auth(&account.key);
        compared.expect(operation, 503, request.send().await).await;
    }
}

#[tokio::test]
async fn what_a_refusal_shows_is_what_the_operation_says() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let name = AccountName::first();
    access::set_voip(&app.db, &name, VoipMode::Key)
        .await
        .unwrap();
    let account = app.default_account().await;
    let mut compared = Compared::default();
    credentials(&app, &account, &mut compared).await;
    media_and_size(&app, &account, &mut compared).await;
    not_acceptable(&app, &account, &mut compared).await;
    nothing_there(&app, &account, &mut compared).await;
    faults::provoke(&app, &account, &mut compared).await;
    conflicts::provoke(&app, &account, &mut compared).await;
    too_many(&mut compared).await;
    database_away(app, &account, &mut compared).await;
    let documented = operations().flat_map(|(method, template, described)| {
        let statuses = described["responses"].as_object().unwrap().keys();
        let refusals = statuses.filter(|status| status.as_str() >= "400");
        refusals.map(move |status| format!("{method} {template} {status}"))
    });
    let left: Vec<String> = documented
        .filter(|at| !at.ends_with(" 500") && !at.ends_with(" 408") && at != "get /readyz 503")
        .filter(|at| !compared.done.contains(at))
        .collect();
    assert!(compared.faults.is_empty(), "{}", compared.faults.join("\n"));
    assert!(
        left.is_empty(),
        "nobody knows whether these are true: {left:#?}"
    );
}
