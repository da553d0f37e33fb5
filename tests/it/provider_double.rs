//! A vendor's server, played by a script: real HTTP on loopback, every request recorded.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

mod event_socket;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers.
    Answer {
        /// The status.
        status: u16,
        /// Further headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Reads the request and never answers.
    Silence,
    /// Reads the request and closes the connection.
    Close,
}

impl Reply {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.into(),
        }
    }

    /// The answer with a header more.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Recorded {
    /// A header's value, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Debug, Default)]
struct Stage {
    script: VecDeque<Reply>,
    requests: Vec<Recorded>,
}

/// The server. It lives as long as the test binary; a request beyond its script is answered 500.
#[derive(Debug, Clone)]
pub(crate) struct ProviderDouble {
    address: SocketAddr,
    scheme: &'static str,
    stage: Arc<Mutex<Stage>>,
}

impl ProviderDouble {
    /// A server that gives these replies, in this order.
    pub(crate) fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::listen(script, serve, "http")
    }

    fn listen(
        script: impl IntoIterator<Item = Reply>,
        serve: fn(TcpStream, &Mutex<Stage>),
        scheme: &'static str,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let double = Self {
            address: listener.local_addr().unwrap(),
            scheme,
            stage: Arc::default(),
        };
        double.then(script);
        let stage = Arc::clone(&double.stage);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stage = Arc::clone(&stage);
                thread::spawn(move || serve(stream, &stage));
            }
        });
        double
    }

    /// An event socket that gives these replies: a body is what `api` answers or what `bgapi` is told; 401 refuses the
    /// password, 403 the connection. Passwords other than `hush` are refused unasked.
    pub(crate) fn event_socket(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::listen(script, event_socket::serve, "esl")
    }

    /// Appends to the script.
    pub(crate) fn then(&self, script: impl IntoIterator<Item = Reply>) {
        self.stage.lock().unwrap().script.extend(script);
    }

    /// Where its API is.
    pub(crate) fn base_url(&self) -> Url {
        let path = if self.scheme == "http" { "/" } else { "" };
        let url = format!("{}://{}{path}", self.scheme, self.address);
        url.parse().unwrap()
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.stage.lock().unwrap().requests.clone()
    }
}

fn serve(stream: TcpStream, stage: &Mutex<Stage>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let reply = {
            let mut stage = stage.lock().unwrap();
            stage.requests.push(request);
            stage.script.pop_front()
        };
        let reply = reply.unwrap_or_else(|| Reply::json(500, "\"beyond the script\""));
        match reply {
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}", body.len());
                let headers = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"));
                let head: Vec<String> = std::iter::once(head).chain(headers).collect();
                let answer = format!("{}\r\n\r\n{body}", head.join("\r\n"));
                if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Silence => {
                // Until the client gives up.
                let _closed = reader.read(&mut [0]);
                return;
            }
            Reply::Close => return,
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Recorded> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let length = headers
        .get("content-length")
        .map_or("0", |value| value.to_str().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Recorded {
        method,
        target,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
