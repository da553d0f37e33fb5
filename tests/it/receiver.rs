//! A webhook receiver on a loopback port: keeps what it got, byte for byte, and answers by a script. Also the hostile ways.
//!
//! Blocking threads on raw sockets, so that it can misbehave in ways that no HTTP library would.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Method and path.
    pub(crate) line: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body, byte for byte.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The type of the event in the body.
    pub(crate) fn event_type(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers this status with an empty body.
    Status(u16),
    /// Answers at length.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Answers a head, then one byte a second, for ever.
    Drip,
    /// Answers a head, then as much body as is taken.
    Endless,
    /// Answers a head of a megabyte.
    HugeHead,
    /// Answers these bytes, head and all, and closes the connection.
    Raw(Vec<u8>),
    /// Resets the connection once it has the request.
    Reset,
    /// Closes the connection as soon as it stands.
    CloseOnAccept,
}

type Script = dyn Fn(usize, &Received) -> Reply + Send + Sync;

struct State {
    received: Mutex<Vec<Received>>,
    script: Box<Script>,
    closed: AtomicBool,
    endless_bytes: AtomicU64,
    close_on_accept: bool,
}

/// A running receiver; it stops listening when it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub(crate) fn start() -> Self {
        Self::scripted(|_, _| Reply::Status(204))
    }

    /// A receiver that always does the same.
    pub(crate) fn always(reply: Reply) -> Self {
        let close_on_accept = matches!(reply, Reply::CloseOnAccept);
        Self::listen(Box::new(move |_, _| reply.clone()), close_on_accept)
    }

    /// A receiver that decides by the number of the request, from 0, and what is in it.
    pub(crate) fn scripted(
        script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Box::new(script), false)
    }

    fn listen(script: Box<Script>, close_on_accept: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            received: Mutex::default(),
            script,
            closed: AtomicBool::new(false),
            endless_bytes: AtomicU64::new(0),
            close_on_accept,
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                if shared.close_on_accept {
                    continue;
                }
                let state = Arc::clone(&shared);
                // A connection that breaks is what a sender may do.
                thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Self { address, state }
    }

    /// A URL of it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What has come so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// How much of endless answers was taken, with what the sockets hold.
    pub(crate) fn endless_bytes(&self) -> u64 {
        self.state.endless_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        // Wakes the accept; that nobody listens any more is as good.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    while let Some(request) = read(&mut stream)? {
        let number = {
            let mut received = state.received.lock().unwrap();
            received.push(request.clone());
            received.len() - 1
        };
        match (state.script)(number, &request) {
            Reply::Status(status) => answer(&mut stream, status, &[], &[])?,
            Reply::Answer {
                status,
                headers,
                body,
            } => answer(&mut stream, status, &headers, &body)?,
            Reply::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
                loop {
                    stream.write_all(b".")?;
                    thread::sleep(Duration::from_secs(1));
                }
            }
            Reply::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 16_384])?;
                    state.endless_bytes.fetch_add(16_384, Ordering::SeqCst);
                }
            }
            Reply::HugeHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                for number in 0..10_000 {
                    write!(stream, "x-{number}: {}\r\n", "y".repeat(100))?;
                }
                stream.write_all(b"\r\n")?;
            }
            Reply::Raw(bytes) => {
                stream.write_all(&bytes)?;
                return stream.shutdown(Shutdown::Both);
            }
            Reply::Reset | Reply::CloseOnAccept => {
                return stream.shutdown(Shutdown::Both);
            }
        }
    }
    Ok(())
}

/// The next request of the connection, if there is one.
fn read(stream: &mut TcpStream) -> std::io::Result<Option<Received>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: HeaderMap = lines
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| {
            (
                HeaderName::try_from(name).unwrap(),
                HeaderValue::try_from(value.trim()).unwrap(),
            )
        })
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.to_str().unwrap().parse().unwrap());
    while body.len() < length {
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            read => body.extend_from_slice(&chunk[..read]),
        }
    }
    Ok(Some(Received {
        line,
        headers,
        body,
    }))
}

fn answer(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&str, String)],
    body: &[u8],
) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} Scripted\r\n")?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    if status != 204 {
        write!(stream, "content-length: {}\r\n", body.len())?;
    }
    stream.write_all(&[b"\r\n", body].concat())
}
