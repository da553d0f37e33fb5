//! FreeSWITCH's event socket, played by a script.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::Mutex,
};

use http::HeaderMap;

use super::{Recorded, Reply, Stage};

/// Serves one connection.
pub(super) fn serve(stream: TcpStream, stage: &Mutex<Stage>) {
    let mut reader = BufReader::new(stream);
    let _gone = converse(&mut reader, stage);
}

fn converse(reader: &mut BufReader<TcpStream>, stage: &Mutex<Stage>) -> Option<()> {
    if let Some(Reply::Answer { body, .. }) = refusal(stage, 403, "connect") {
        let rude = format!(
            "Content-Type: text/rude-rejection\nContent-Length: {}",
            body.len()
        );
        return say(reader, &format!("{rude}\n\n{body}"));
    }
    say(reader, "Content-Type: auth/request\n\n")?;
    loop {
        let command = read(reader)?;
        let (verb, rest) = command.split_once(' ').unwrap_or((&command, ""));
        match verb {
            "auth" => {
                if rest != "hush" || refusal(stage, 401, "auth").is_some() {
                    reply(reader, "-ERR invalid")?;
                    return say(
                        reader,
                        "Content-Type: text/disconnect-notice\nContent-Length: 67\n\n",
                    );
                }
                reply(reader, "+OK accepted")?;
            }
            "event" => reply(reader, "+OK event listener enabled plain")?,
            _ => {
                record(stage, verb, rest);
                let scripted = stage.lock().unwrap().script.pop_front();
                match scripted {
                    Some(Reply::Answer { body, .. }) if verb == "bgapi" => reply(reader, &body)?,
                    Some(Reply::Answer { body, .. }) => {
                        let length = body.len();
                        let head = format!("Content-Type: api/response\nContent-Length: {length}");
                        say(reader, &format!("{head}\n\n{body}"))?;
                    }
                    Some(Reply::Silence) => {
                        let _closed = reader.read(&mut [0]);
                        return None;
                    }
                    Some(Reply::Close) => return None,
                    None => reply(reader, "-ERR beyond the script")?,
                }
            }
        }
    }
}

/// The next reply, if it refuses with this status; then it is taken, and what was refused recorded.
fn refusal(stage: &Mutex<Stage>, refusing: u16, what: &str) -> Option<Reply> {
    let next = stage.lock().unwrap().script.front().cloned();
    let refused = matches!(next, Some(Reply::Answer { status, .. }) if status == refusing);
    if !refused {
        return None;
    }
    record(stage, what, "");
    stage.lock().unwrap().script.pop_front()
}

fn record(stage: &Mutex<Stage>, method: &str, target: &str) {
    stage.lock().unwrap().requests.push(Recorded {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: String::new(),
    });
}

fn reply(reader: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    let message = format!("Content-Type: command/reply\nReply-Text: {text}\n\n");
    say(reader, &message)
}

fn say(reader: &mut BufReader<TcpStream>, message: &str) -> Option<()> {
    reader.get_mut().write_all(message.as_bytes()).ok()
}

/// A command: one line and an empty one. Whatever stands on a second line would be another command.
fn read(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut command = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\n" {
            return Some(command);
        }
        assert!(
            command.is_empty(),
            "a command has one line: {command:?} {line:?}"
        );
        line.trim_end_matches('\n').clone_into(&mut command);
    }
}
