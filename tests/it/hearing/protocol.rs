//! What a peer may be that is no Asterisk, or no longer.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use onhook::{
    domain::{
        connection::Connection,
        id::{AccountId, ConnectionId},
        report::ProviderName,
    },
    egress::{Egress, address::AddressPolicy},
    providers::{Access, Provider as _, ProviderError, asterisk::Asterisk},
    simulate::doubles,
};

/// A server that takes one connection, answers the upgrade with this, and says no more.
fn mute(answer: fn(&str) -> String) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let answer = if request.contains("/ari/events") {
                answer(&request)
            } else {
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_owned()
            };
            stream.write_all(answer.as_bytes()).unwrap();
            std::thread::spawn(move || while stream.read(&mut [0; 256]).is_ok_and(|n| n > 0) {});
        }
    });
    address
}

fn switched(key: &str) -> String {
    use base64::Engine as _;
    let signed = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let digest = aws_lc_rs::digest::digest(algorithm, signed.as_bytes());
    let accept = base64::prelude::BASE64_STANDARD.encode(digest);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
}

fn key(request: &str) -> &str {
    let mut lines = request.lines();
    lines
        .find_map(|line| line.strip_prefix("sec-websocket-key: "))
        .unwrap()
}

async fn listened_to(address: SocketAddr) -> ProviderError {
    let egress = Egress::new(AddressPolicy::parse("127.0.0.0/8").unwrap()).unwrap();
    let connection = Connection {
        account_id: AccountId::generate(),
        connection_id: ConnectionId::generate(),
        provider: ProviderName::parse("asterisk").unwrap(),
        base_url: format!("http://{address}/").parse().unwrap(),
        credentials: doubles::named("asterisk").unwrap().credentials(),
    };
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_millis(300),
    };
    match Asterisk.listen(&access).await {
        Ok(mut listening) => listening.stream.next().await.unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_dead() {
    let began = std::time::Instant::now();
    let error = listened_to(mute(|request| switched(key(request)))).await;
    assert_eq!(
        error.to_string(),
        "could not be reached: there was no complete answer in time"
    );
    // Two pings, each with its time.
    let took = began.elapsed();
    assert!(
        (Duration::from_millis(900)..Duration::from_secs(5)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test]
async fn what_does_not_speak_the_protocol_is_no_stream() {
    type Peer = fn(&str) -> String;
    let peers: [(Peer, &str); 4] = [
        (|_| switched("another key"), "not a WebSocket"),
        (
            |_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "unexpected status 200 OK",
        ),
        (
            |_| "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "not accepted (401",
        ),
        // A frame of a kind that there is not.
        (
            |request| format!("{}\u{3}\u{0}", switched(key(request))),
            "not the WebSocket protocol",
        ),
    ];
    for (peer, said) in peers {
        let error = listened_to(mute(peer)).await.to_string();
        assert!(error.contains(said), "{error}");
    }
}
