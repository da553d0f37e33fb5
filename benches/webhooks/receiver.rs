//! A receiver that answers at once: raw HTTP/1.1 on kept connections, so that it takes as little as possible of the cores that it shares.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

/// A running receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    count: AtomicU64,
    first: Mutex<Option<Instant>>,
    /// When which call was told of, if that is asked for.
    calls: Mutex<Option<Vec<(u64, Instant)>>>,
    came: Notify,
}

/// Starts one.
pub(crate) async fn start() -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(State::default());
    let shared = Arc::clone(&state);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    Receiver {
        address,
        state,
        _tasks: tasks,
    }
}

impl Receiver {
    /// How many requests have come.
    pub(crate) fn count(&self) -> u64 {
        self.state.count.load(Ordering::Relaxed)
    }

    /// Waits until so many have come; how long they took from the first, and how many they are.
    pub(crate) async fn wait_for(&self, count: u64) -> (Duration, u64) {
        let all = async {
            while self.count() < count {
                self.state.came.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(5), all)
            .await
            .unwrap_or_else(|_| panic!("{} of {count} came", self.count()));
        let first = self.state.first.lock().unwrap().unwrap();
        (first.elapsed(), count)
    }

    /// Notes from now on when which call's end came.
    pub(crate) fn note_calls(&self) {
        *self.state.calls.lock().unwrap() = Some(Vec::new());
    }

    /// What was noted.
    pub(crate) fn noted(&self) -> Vec<(u64, Instant)> {
        self.state.calls.lock().unwrap().take().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let _nodelay = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let Some(end) = request_end(&buffer) else {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let now = Instant::now();
        state.first.lock().unwrap().get_or_insert(now);
        if let Some(calls) = &mut *state.calls.lock().unwrap() {
            let text = String::from_utf8_lossy(&buffer[..end]);
            if text.contains("\"call.ended\"")
                && let Some((_, rest)) = text.split_once("CAbench-")
            {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                calls.push((digits.parse().unwrap(), now));
            }
        }
        buffer.drain(..end);
        state.count.fetch_add(1, Ordering::Relaxed);
        state.came.notify_one();
        let answered = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        if answered.is_err() {
            return;
        }
    }
}

/// Where the first request in the buffer ends, if it is all there.
fn request_end(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&buffer[..head]).unwrap();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let end = head + 4 + length.unwrap_or(0);
    (buffer.len() >= end).then_some(end)
}
