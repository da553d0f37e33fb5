//! The HTTP client: where it does not go, and what it does not wait for.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use onhook::egress::{
    Answer, Egress, Error, Limits, Request,
    address::{AddressPolicy, Refusal},
    resolve::Lookup,
};

/// First and last address of every range that is refused, and its neighbours where they are public.
const DENIED: &[(&str, &str)] = &[
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("::", "::1"),
    ("::7f00:1", "::ffff:0:0"),
    ("::ffff:8.8.8.8", "::ffff:127.0.0.1"),
    ("::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1"),
    ("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    ("64:ff9b:1::", "64:ff9b:1:ffff::808:808"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("1fff:ffff::", "4000::"),
    ("2001::", "2001:1ff:ffff::"),
    ("2001:db8::", "2001:db8:ffff::"),
    ("2002::", "2002:808:808::"),
    ("3fff::", "3fff:fff:ffff::"),
    ("5f00::", "5f00:ffff::"),
    ("fc00::", "fdff:ffff::"),
    ("fd00:ec2::254", "fd00:ec2::254"),
    ("fe80::1", "febf:ffff::"),
    ("fec0::", "feff:ffff::"),
    ("ff00::", "ffff:ffff::"),
];

const PUBLIC: &[&str] = &[
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::",
    "2001:db7:ffff::",
    "2001:db9::",
    "2003::",
    "2606:4700:4700::1111",
    "3ffe:ffff::",
    "3fff:1000::",
    "64:ff9b::8.8.8.8",
];

/// Spellings of addresses inside that a URL parser, a libc or a person may read as one.
const SPELLINGS: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0X7F.0x0.0x0.0x1/",
    "http://127.0.0.0x1/",
    "http://%31%32%37.0.0.1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://10.0.0.7/",
    "http:10.0.0.7/",
    "http:\\\\10.0.0.7\\",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST:8080/",
    "http://a.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://db.internal./",
    "http://postgres.default.svc/",
    "http://api.default.svc.cluster.local/",
    "http://a..example/",
];

/// Answers each look-up with the next of its answers, and the last one for ever after.
#[derive(Debug)]
struct Scripted {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Scripted {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.get(asked).or(self.answers.last());
        answer
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn scripted(answers: &[&[&str]]) -> Arc<Scripted> {
    let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
    Arc::new(Scripted {
        answers: answers.iter().map(parse).collect(),
        asked: AtomicUsize::new(0),
    })
}

fn policy(allow: &str) -> AddressPolicy {
    AddressPolicy::parse(allow).unwrap()
}

/// A client that may go to loopback, where the tests' servers are.
fn egress() -> Egress {
    Egress::new(policy("127.0.0.0/8")).unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(5),
    body_bytes_max: 1024,
};

/// A deadline that a test reaches.
const SOON: Limits = Limits {
    deadline: Duration::from_millis(300),
    body_bytes_max: 1024,
};

/// A server that treats each connection as `serve` does. It lives as long as the test binary.
pub(crate) fn server(serve: fn(TcpStream)) -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&connections);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            *counted.lock().unwrap() += 1;
            thread::spawn(move || serve(stream));
        }
    });
    (address, connections)
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
}

fn answer(mut stream: TcpStream, text: &str) {
    read_head(&mut stream);
    let _gone = stream.write_all(text.as_bytes());
    // Waits for the client to close, so that its reading never meets a reset.
    let _closed = stream.read(&mut [0]);
}

/// Answers a TLS hello as an HTTP server does on its plain port.
pub(crate) fn speak_no_tls(mut stream: TcpStream) {
    let _hello = stream.read(&mut [0; 4096]);
    let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let _closed = stream.read(&mut [0]);
}

fn ok(stream: TcpStream) {
    answer(stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

async fn send(serve: fn(TcpStream), limits: Limits) -> Result<Answer, Error> {
    let (address, _) = server(serve);
    egress()
        .send(get(&format!("http://{address}/")), limits)
        .await
}

#[test]
fn every_denied_range_is_denied_at_both_ends_and_its_neighbours_are_not() {
    let closed = policy("");
    for address in DENIED.iter().flat_map(|(first, last)| [first, last]) {
        assert!(!closed.allows(address.parse().unwrap()), "{address}");
    }
    for address in PUBLIC {
        assert!(closed.allows(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn no_spelling_of_an_address_inside_is_read_as_a_url() {
    for url in SPELLINGS {
        assert_eq!(policy("").read(url), Err(Refusal::Address), "{url}");
    }
}

#[test]
fn a_url_says_where_it_goes_and_nothing_else() {
    let long = format!("https://example.com/{}", "a".repeat(2048));
    for (url, refusal) in [
        ("https://user@example.com/", Refusal::Userinfo),
        ("https://user:secret@example.com/", Refusal::Userinfo),
        ("https://:secret@example.com/", Refusal::Userinfo),
        ("https://example.com@10.0.0.1/", Refusal::Userinfo),
        ("https://example.com/#fragment", Refusal::Fragment),
        ("https://example.com:0/", Refusal::Port),
        ("ftp://example.com/", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("gopher://example.com/", Refusal::Scheme),
        ("/relative", Refusal::NotAbsolute),
        ("https://", Refusal::NotAbsolute),
        ("http://[fe80::1%25eth0]/", Refusal::NotAbsolute),
        ("http://256.256.256.256/", Refusal::NotAbsolute),
        (long.as_str(), Refusal::TooLong),
    ] {
        assert_eq!(policy("").read(url), Err(refusal), "{url}");
    }
    for url in ["https://example.com/hook?a=b", "http://8.8.8.8:8443/"] {
        assert_eq!(policy("").read(url).unwrap().as_str(), url);
    }
}

#[test]
fn a_network_that_the_operator_names_is_open_and_its_neighbour_is_not() {
    let opened = policy("127.0.0.0/8, 10.1.2.3 fd12::/16");
    for (address, open) in [
        ("127.0.0.1", true),
        ("10.1.2.3", true),
        ("10.1.2.4", false),
        ("fd12::7", true),
        ("fd13::7", false),
        ("::ffff:127.0.0.1", false),
    ] {
        assert_eq!(opened.allows(address.parse().unwrap()), open, "{address}");
    }
    let error = AddressPolicy::parse("10.0.0.0/8,everything").unwrap_err();
    assert!(error.to_string().starts_with("`everything`"), "{error}");
}

#[tokio::test]
async fn a_stored_url_is_refused_when_one_address_of_its_name_is_inside() {
    for (answers, allow, verdict) in [
        (vec!["93.184.215.14"], "", Ok(())),
        (vec!["93.184.215.14", "10.0.0.1"], "", Err(Refusal::Address)),
        (vec!["::ffff:a9fe:a9fe"], "", Err(Refusal::Address)),
        (vec!["10.0.0.1"], "10.0.0.0/8", Ok(())),
    ] {
        let client = Egress::with_lookup(policy(allow), scripted(&[&answers])).unwrap();
        let vetted = client.vet("https://hooks.example.com/").await.map(drop);
        assert_eq!(vetted, verdict, "{answers:?}");
    }
    let unknown = Egress::with_lookup(policy(""), scripted(&[])).unwrap();
    unknown.vet("https://not-yet.example.com/").await.unwrap();
}

#[tokio::test]
async fn a_local_name_reaches_only_networks_that_the_operator_named() {
    let public = scripted(&[&["93.184.215.14"]]);
    let client = Egress::with_lookup(policy("127.0.0.0/8"), public).unwrap();
    let refused = client.vet("http://rooms.internal/").await;
    assert_eq!(refused.map(drop), Err(Refusal::Address));
    let client = Egress::with_lookup(policy("127.0.0.0/8"), scripted(&[&["127.0.0.1"]])).unwrap();
    client.vet("http://rooms.internal/").await.unwrap();
}

#[tokio::test]
async fn the_address_that_was_vetted_is_the_one_that_is_dialled() {
    let (address, connections) = server(ok);
    let rebinding = scripted(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let lookup = Arc::clone(&rebinding);
    let client = Egress::with_lookup(policy("127.0.0.1"), lookup).unwrap();
    let request = get(&format!("http://rebind.example:{}/", address.port()));
    let answer = client.send(request, LIMITS).await.unwrap();
    assert_eq!(answer.body, "ok");
    assert_eq!(rebinding.asked.load(Ordering::SeqCst), 1);
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_name_that_moves_inside_after_it_was_stored_is_refused_when_it_is_dialled() {
    let (address, connections) = server(|stream| {
        answer(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        );
    });
    let moving = scripted(&[&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.1", "127.0.0.2"]]);
    let client = Egress::with_lookup(policy("127.0.0.1"), moving).unwrap();
    let url = format!("http://moving.example:{}/", address.port());
    client.vet(&url).await.unwrap();
    client.send(get(&url), LIMITS).await.unwrap();
    let refused = client.send(get(&url), LIMITS).await.unwrap_err();
    assert_eq!(refused.outcome(), "refused_address");
    assert!(!refused.to_string().contains("127.0.0"), "{refused}");
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_although_it_is_never_looked_up() {
    let (address, connections) = server(ok);
    let client = Egress::new(policy("")).unwrap();
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"] {
        let request = get(&format!("http://{host}:{}/", address.port()));
        let refused = client.send(request, LIMITS).await.unwrap_err();
        assert_eq!(refused.outcome(), "refused_address", "{host}");
    }
    assert_eq!(*connections.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    const REDIRECT: &str =
        "HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let (address, connections) = server(|stream| answer(stream, REDIRECT));
    let request = get(&format!("http://{address}/"));
    let answer = egress().send(request, LIMITS).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_body_is_cut_at_the_cap() {
    for (length, kept, truncated) in [(1023, 1023, false), (1024, 1024, false), (1025, 1024, true)]
    {
        let (address, _) = server(match length {
            1023 => |stream| body_of(stream, 1023),
            1024 => |stream| body_of(stream, 1024),
            _ => |stream| body_of(stream, 1025),
        });
        let request = get(&format!("http://{address}/"));
        let answer = egress().send(request, LIMITS).await.unwrap();
        assert_eq!((answer.body.len(), answer.truncated), (kept, truncated));
    }
}

fn body_of(stream: TcpStream, length: usize) {
    let body = "x".repeat(length);
    answer(
        stream,
        &format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"),
    );
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    let endless = |mut stream: TcpStream| {
        read_head(&mut stream);
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 512]).is_ok() {}
    };
    let answer = send(endless, LIMITS).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1024, true));
}

#[tokio::test]
async fn an_endless_head_is_not_http() {
    let endless = |mut stream: TcpStream| {
        read_head(&mut stream);
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
            .is_ok()
        {}
    };
    assert_eq!(
        send(endless, LIMITS).await.unwrap_err().outcome(),
        "protocol"
    );
}

#[tokio::test]
async fn whoever_keeps_us_waiting_is_left_at_the_deadline() {
    let silent = |mut stream: TcpStream| {
        let _closed = stream.read(&mut [0; 4096]);
        let _waits = stream.read(&mut [0; 4096]);
    };
    let dripping = |mut stream: TcpStream| {
        read_head(&mut stream);
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let informing = |mut stream: TcpStream| {
        read_head(&mut stream);
        while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let keeping: [fn(TcpStream); 3] = [silent, dripping, informing];
    for serve in keeping {
        let started = Instant::now();
        assert_eq!(send(serve, SOON).await.unwrap_err().outcome(), "timed_out");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let closing = |mut stream: TcpStream| read_head(&mut stream);
    let cut = |mut stream: TcpStream| {
        read_head(&mut stream);
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx");
    };
    let garbage = |stream: TcpStream| answer(stream, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    let failing: [fn(TcpStream); 3] = [closing, cut, garbage];
    for (serve, outcome) in failing.into_iter().zip(["reset", "reset", "protocol"]) {
        assert_eq!(send(serve, LIMITS).await.unwrap_err().outcome(), outcome);
    }

    let (plain, _) = server(speak_no_tls);
    let no_tls = egress()
        .send(get(&format!("https://{plain}/")), LIMITS)
        .await;
    assert_eq!(no_tls.unwrap_err().outcome(), "tls");

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = egress()
        .send(get(&format!("http://{nobody}/")), LIMITS)
        .await;
    assert_eq!(refused.unwrap_err().outcome(), "connect");

    let unknown = Egress::with_lookup(policy(""), scripted(&[])).unwrap();
    let unresolved = unknown.send(get("http://nowhere.example/"), LIMITS).await;
    assert_eq!(unresolved.unwrap_err().outcome(), "dns");
}
