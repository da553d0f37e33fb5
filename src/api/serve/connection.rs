//! One connection: HTTP/1 over a stream whose reads and writes are watched.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{BoxError, Router, body::Body, extract::ConnectInfo};
use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    HttpLimits,
    pace::{self, House, Pace, Verdict},
};

/// What a connection needs to be served.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) address: SocketAddr,
    pub(super) limits: HttpLimits,
    pub(super) places: Arc<Semaphore>,
}

impl Connection {
    /// Until the client or we have had enough.
    pub(super) async fn serve(self, stream: TcpStream, stop: CancellationToken) {
        // Best effort: an answer is written at once anyway.
        drop(stream.set_nodelay(true));
        let pace = Pace::new(Instant::now());
        let service =
            service_fn(|request| answer(self.router.clone(), self.address, pace.clone(), request));
        let mut http = http1::Builder::new();
        // hyper's own header timeout would also end a connection that merely idles.
        http.header_read_timeout(None)
            .max_buf_size(self.limits.header_bytes_max);
        let watched = Watched {
            stream,
            pace: pace.clone(),
        };
        let mut connection = pin!(http.serve_connection(TokioIo::new(watched), service));

        let mut look = tokio::time::interval(pace::look_every(&self.limits));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "a connection ended early");
                    }
                    return;
                }
                _ = look.tick() => match pace.judge(&self.limits, self.house()) {
                    // After a body has been given up, the next turn polls the handler that reads it.
                    Verdict::InTime | Verdict::BodyGivenUp => {}
                    Verdict::TooSlow => return,
                },
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    fn house(&self) -> House {
        if self.places.available_permits() == 0 {
            House::Full
        } else {
            House::Roomy
        }
    }
}

async fn answer(
    router: Router,
    address: SocketAddr,
    pace: Pace,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    pace.head_came();
    let mut request = request.map(|inner| {
        Body::new(RequestBody {
            inner,
            pace: pace.clone(),
        })
    });
    request.extensions_mut().insert(ConnectInfo(address));
    let response = router.oneshot(request).await?;
    Ok(response.map(|inner| AnswerBody { inner, pace }))
}

/// A stream that notes when bytes come and when they do not go.
struct Watched {
    stream: TcpStream,
    pace: Pace,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.pace.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl Watched {
    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        match written {
            Poll::Ready(_) => self.pace.written(),
            Poll::Pending => self.pace.write_waits(),
        }
        written
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The body of a request, which fails when it has stopped coming.
struct RequestBody {
    inner: Incoming,
    pace: Pace,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.pace.body_came();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => match self.pace.body_waits() {
                Ok(()) => Poll::Pending,
                Err(too_slow) => Poll::Ready(Some(Err(too_slow.into()))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The body of an answer; when it has been handed over, it is the client's turn again.
struct AnswerBody {
    inner: Body,
    pace: Pace,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.pace.answered();
    }
}
