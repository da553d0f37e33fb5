//! FreeSWITCH: its event socket, and the record that `mod_json_cdr` posts when a call is over. What was before, it does not tell.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
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

const PASSWORD: &str = "ClueCon of a simulated switch";
const CDR_USER: &str = "onhook";
const CDR_PASSWORD: &str = "the password of simulated records";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct FreeSwitch;

#[async_trait]
impl Double for FreeSwitch {
    fn provider(&self) -> &'static str {
        "freeswitch"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: CDR_USER.to_owned(),
            key_id: None,
            secret: PASSWORD.into(),
            signing_secret: Some(CDR_PASSWORD.into()),
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("a3f2c1d0-7f4e-4b07-8f0c-{number:012x}")
    }

    fn base_url(&self, address: SocketAddr) -> String {
        format!("esl://{address}")
    }

    fn answer(&self, _request: &ApiRequest, _ledger: &mut Ledger) -> ApiAnswer {
        // It is asked on its event socket.
        ApiAnswer::empty(StatusCode::NOT_FOUND)
    }

    fn callback(&self, call: &LedgerCall, step: Step, _to: &CallbackTo) -> Option<Callback> {
        let Step::Ended(state) = step else {
            return None;
        };
        let micros =
            |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp_micros()).to_string();
        let record = json!({
            "core-uuid": "4b1a5c1e", "switchname": "simulated",
            "variables": {
                "uuid": call.id, "direction": direction(call.direction), "hangup_cause": cause(state),
                "start_uepoch": micros(Some(call.created_at)), "progress_uepoch": micros(call.ringing_at),
                "answer_uepoch": micros(call.answered_at), "end_uepoch": micros(call.end.map(|(_, at)| at)),
                "billsec": call.talk_s().to_string(),
            },
            "callflow": [{"caller_profile": {
                "uuid": call.id, "caller_id_number": call.from, "destination_number": call.to,
            }}],
        });
        let pair = BASE64_STANDARD.encode(format!("{CDR_USER}:{CDR_PASSWORD}"));
        let authorization = format!("Basic {pair}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        Some(Callback::new(&headers, record.to_string()))
    }

    async fn serve(&self, listener: TcpListener, world: Arc<World>, stop: CancellationToken) {
        let conversations = Supervisor::new();
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (world, stop) = (Arc::clone(&world), stop.clone());
            conversations.spawn_once("event socket", async move {
                let conversing = converse(BufReader::new(stream), &world);
                // Whoever goes away in the middle of a conversation has its reasons.
                drop(stop.run_until_cancelled(conversing).await);
            });
        }
    }
}

/// One connection. A switch that is too busy, or whose answer is lost, closes it.
async fn converse(mut stream: BufReader<TcpStream>, world: &World) -> std::io::Result<()> {
    say(&mut stream, "Content-Type: auth/request", "").await?;
    let mut authenticated = false;
    loop {
        let mut command = String::new();
        if stream.read_line(&mut command).await? == 0 {
            return Ok(());
        }
        let command = command.trim_end();
        if command.is_empty() {
            continue;
        }
        match command.split_once(' ') {
            Some(("auth", password)) => {
                authenticated = password == PASSWORD;
                let reply = if authenticated {
                    "+OK accepted"
                } else {
                    "-ERR invalid"
                };
                let head = format!("Content-Type: command/reply\nReply-Text: {reply}");
                say(&mut stream, &head, "").await?;
            }
            Some(("api", command)) if authenticated => {
                if world.refuses() {
                    return Ok(());
                }
                let said = obey(command, world);
                if world.loses() {
                    return Ok(());
                }
                let head = format!("Content-Type: api/response\nContent-Length: {}", said.len());
                say(&mut stream, &head, &said).await?;
            }
            _ => {
                let head = "Content-Type: command/reply\nReply-Text: -ERR command not found";
                say(&mut stream, head, "").await?;
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, head: &str, body: &str) -> std::io::Result<()> {
    let message = format!("{head}\n\n{body}");
    stream.get_mut().write_all(message.as_bytes()).await
}

fn obey(command: &str, world: &World) -> String {
    let mut ledger = world.ledger();
    let (verb, id) = command.split_once(' ').unwrap_or((command, ""));
    let live = ledger.get(id).filter(|call| call.is_live()).cloned();
    match (verb, live) {
        ("uuid_kill", _) => match ledger.hang_up(id) {
            HangUpResult::Ended => "+OK\n".to_owned(),
            HangUpResult::AlreadyOver | HangUpResult::Unknown => no_channel(),
        },
        ("uuid_exists", live) => live.is_some().to_string(),
        ("uuid_dump", Some(call)) => dump(&call),
        ("uuid_dump", None) => no_channel(),
        (_, _) => "-ERR command not found\n".to_owned(),
    }
}

fn no_channel() -> String {
    "-ERR No such channel!\n".to_owned()
}

fn dump(call: &LedgerCall) -> String {
    let state = match (call.answered_at, call.ringing_at) {
        (Some(_), _) => "answered",
        (None, _) => "ringing",
    };
    let (from, to) = (call.from.replace('+', "%2B"), call.to.replace('+', "%2B"));
    let answered = call.answered_at.map_or(0, |at| at.timestamp_micros());
    format!(
        "Event-Name: CHANNEL_DATA\nUnique-ID: {}\nCall-Direction: {}\nAnswer-State: {state}\n\
         Caller-Caller-ID-Number: {from}\nCaller-Destination-Number: {to}\nCaller-Channel-Answered-Time: {answered}\n\n",
        call.id,
        direction(call.direction),
    )
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

fn cause(state: EndState) -> &'static str {
    match state {
        EndState::Completed | EndState::Voicemail | EndState::Canceled => "NORMAL_CLEARING",
        EndState::Busy => "USER_BUSY",
        EndState::NoAnswer => "NO_ANSWER",
        EndState::Failed => "NORMAL_TEMPORARY_FAILURE",
    }
}
