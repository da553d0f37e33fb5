//! Asterisk: its REST interface, and its WebSocket of events. A channel that is gone is not known any more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::digest;
use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::broadcast::{Receiver, error::RecvError},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        connection::Credentials,
        state::{Direction, EndState},
    },
    simulate::{
        double::{ApiAnswer, ApiRequest, Callback, CallbackTo, Double},
        ledger::{HangUpResult, Ledger, LedgerCall, Step},
        world::World,
    },
    supervisor::Supervisor,
};

/// `onhook:the password of a simulated user`
const AUTHORIZATION: &str = "Basic b25ob29rOnRoZSBwYXNzd29yZCBvZiBhIHNpbXVsYXRlZCB1c2Vy";

/// What a WebSocket handshake appends to the key (RFC 6455, 1.3).
const HANDSHAKE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Asterisk;

/// What the server's handlers share.
#[derive(Debug, Clone)]
struct Server {
    world: Arc<World>,
    sockets: Supervisor,
}

#[async_trait]
impl Double for Asterisk {
    fn provider(&self) -> &'static str {
        "asterisk"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: "onhook".to_owned(),
            key_id: None,
            secret: "the password of a simulated user".into(),
            signing_secret: None,
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("1795298683.{number}")
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        if request.header("authorization") != AUTHORIZATION {
            return refusal(StatusCode::UNAUTHORIZED, "Authentication required");
        }
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["ari", "asterisk", "info"]) => {
                let info = json!({"system": {"version": "22.10.1", "entity_id": "02:fc"}});
                ApiAnswer::json(StatusCode::OK, &info)
            }
            (&Method::GET, ["ari", "channels"]) => {
                let channels: Vec<Value> = ledger.live().map(channel).collect();
                ApiAnswer::json(StatusCode::OK, &channels.into())
            }
            (&Method::GET, ["ari", "channels", id]) => {
                match ledger.get(id).filter(|call| call.is_live()) {
                    Some(call) => ApiAnswer::json(StatusCode::OK, &channel(call)),
                    None => no_channel(),
                }
            }
            (&Method::DELETE, ["ari", "channels", id]) => match ledger.hang_up(id) {
                HangUpResult::Ended => ApiAnswer::empty(StatusCode::NO_CONTENT),
                HangUpResult::AlreadyOver | HangUpResult::Unknown => no_channel(),
            },
            (_, _) => refusal(StatusCode::NOT_FOUND, "Resource not found"),
        }
    }

    fn callback(&self, _call: &LedgerCall, _step: Step, _to: &CallbackTo) -> Option<Callback> {
        None
    }

    async fn serve(&self, listener: TcpListener, world: Arc<World>, stop: CancellationToken) {
        let sockets = Supervisor::new();
        let server = Server {
            world: Arc::clone(&world),
            sockets: sockets.clone(),
        };
        let router = Router::new()
            .route("/ari/events", get(events))
            .with_state(server)
            .merge(world.router());
        let ending = sockets.clone();
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            stop.cancelled().await;
            ending.shutdown(Duration::ZERO).await;
        });
        if let Err(error) = served.await {
            tracing::error!(error = %error, "the double does not serve any more");
        }
    }

    async fn tell(&self, world: &World, call: &LedgerCall, step: Step) -> bool {
        // Whoever does not listen hears nothing, and the simulation is not about that.
        while world.stream().receiver_count() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let told: Arc<str> = event(call, step).to_string().into();
        world.stream().send(told).is_ok()
    }
}

/// Takes a WebSocket on which every event is told.
async fn events(State(server): State<Server>, mut request: Request) -> Response {
    let authorized = request
        .headers()
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value == AUTHORIZATION);
    let accept = accept(request.headers());
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = match (authorized, accept, upgrade) {
        (false, ..) => StatusCode::UNAUTHORIZED,
        (true, Some(accept), Some(upgrade)) => {
            let headers = response.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            let heard = server.world.stream().subscribe();
            server
                .sockets
                .spawn_once("socket", tell_all(upgrade, heard));
            StatusCode::SWITCHING_PROTOCOLS
        }
        (true, ..) => StatusCode::BAD_REQUEST,
    };
    response
}

/// What proves that the key was read.
fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    let signed = format!("{key}{HANDSHAKE}");
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, signed.as_bytes());
    HeaderValue::try_from(BASE64_STANDARD.encode(digest)).ok()
}

async fn tell_all(upgrade: OnUpgrade, mut heard: Receiver<Arc<str>>) {
    let Ok(upgraded) = upgrade.await else {
        return;
    };
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None);
    let mut socket = socket.await;
    loop {
        let sent = tokio::select! {
            told = heard.recv() => match told {
                Ok(event) => socket.send(Message::text(&*event)).await,
                Err(RecvError::Lagged(_) | RecvError::Closed) => return,
            },
            // Pings are answered by the WebSocket itself.
            said = socket.next() => match said {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What is told of a step.
fn event(call: &LedgerCall, step: Step) -> Value {
    let (kind, at) = match step {
        Step::Queued => ("ChannelCreated", Some(call.created_at)),
        Step::Ringing => ("ChannelStateChange", call.ringing_at),
        Step::Answered => ("ChannelStateChange", call.answered_at),
        Step::Ended(_) => ("ChannelDestroyed", call.end.map(|(_, at)| at)),
    };
    let mut event = json!({
        "type": kind, "timestamp": at.map(time), "channel": channel(call), "application": "onhook",
        "asterisk_id": "02:fc",
    });
    if let (Step::Ended(state), Some(fields)) = (step, event.as_object_mut()) {
        let (cause, text) = cause(state);
        fields.insert("cause".to_owned(), cause.into());
        fields.insert("cause_txt".to_owned(), text.into());
    }
    event
}

fn channel(call: &LedgerCall) -> Value {
    let state = match (call.answered_at, call.ringing_at, call.direction) {
        (Some(_), ..) => "Up",
        (None, _, Direction::Inbound) => "Ring",
        (None, Some(_), Direction::Outbound) => "Ringing",
        (None, None, Direction::Outbound) => "Down",
    };
    json!({
        "id": call.id, "name": "PJSIP/trunk-00000001", "state": state, "protocol_id": "",
        "caller": {"name": "", "number": call.from}, "connected": {"name": "", "number": ""}, "accountcode": "",
        "dialplan": {"context": "inbound", "exten": call.to, "priority": 1, "app_name": "", "app_data": ""},
        "creationtime": time(call.created_at), "language": "en",
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

fn cause(state: EndState) -> (i32, &'static str) {
    match state {
        EndState::Completed | EndState::Voicemail | EndState::Canceled => (16, "Normal Clearing"),
        EndState::Busy => (17, "User busy"),
        EndState::NoAnswer => (19, "User alerting, no answer"),
        EndState::Failed => (38, "Network out of order"),
    }
}

fn no_channel() -> ApiAnswer {
    refusal(StatusCode::NOT_FOUND, "Channel not found")
}

fn refusal(status: StatusCode, message: &str) -> ApiAnswer {
    ApiAnswer::json(status, &json!({ "message": message }))
}
