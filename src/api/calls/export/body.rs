//! The body of an export: a page is read when the one before has been taken, and not before.
//!
//! An export that cannot go on is cut off: the connection closes without the end of the body, which no client can take for
//! a complete one.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio_util::sync::CancellationToken;

use super::turns::Turn;
use crate::{
    api::{
        error::{Code, Error},
        state::ApiState,
    },
    calls::export::Export,
    domain::call_export::Format,
    metrics::Metrics,
    store,
};

/// The rows of an export, page by page.
pub(super) struct ExportBody {
    first: Option<Page>,
    /// Begins to read when it is first polled. Absent when nothing comes any more.
    next: Option<NextPage>,
    metrics: Metrics,
}

type NextPage = Pin<Box<dyn Future<Output = Result<(Box<Reading>, Option<Page>), CutOff>> + Send>>;

/// Rows, and how many.
struct Page {
    rows: Vec<u8>,
    calls: usize,
}

/// How far reading has come.
enum Step {
    /// Rows.
    Page(Page),
    /// Calls were passed by, none of them wanted.
    Passed,
    /// There is no more.
    End,
}

/// What reads the pages.
struct Reading {
    export: Export,
    format: Format,
    turn: Turn,
    stop: CancellationToken,
}

/// Why an export did not go on.
#[derive(Debug, thiserror::Error)]
enum CutOff {
    #[error("the service stops")]
    Stopping,
    #[error("a call could not be written")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl ExportBody {
    /// Looks for the first page: what can go wrong is still told with a status. Where that takes long, because there are many
    /// calls and few of them wanted, the answer begins without.
    pub(super) async fn begin(
        export: Export,
        format: Format,
        turn: Turn,
        state: &ApiState,
    ) -> Result<Self, Error> {
        let mut reading = Box::new(Reading {
            export,
            format,
            turn,
            stop: state.supervisor.stopping(),
        });
        let mut first = Page {
            rows: format.head().into_bytes(),
            calls: 0,
        };
        if let Step::Page(page) = reading.step().await? {
            first.rows.extend(page.rows);
            first.calls = page.calls;
        }
        Ok(Self {
            first: Some(first).filter(|first| !first.rows.is_empty()),
            next: Some(Box::pin(reading.next())),
            metrics: state.metrics.clone(),
        })
    }

    fn over(&mut self, outcome: &'static str) {
        self.next = None;
        self.metrics.export_ended(outcome);
    }
}

impl Reading {
    /// The next page that has calls.
    async fn next(mut self: Box<Self>) -> Result<(Box<Self>, Option<Page>), CutOff> {
        loop {
            match self.step().await? {
                Step::Page(page) => return Ok((self, Some(page))),
                Step::Passed => {}
                Step::End => return Ok((self, None)),
            }
        }
    }

    /// One page, or a stretch without any.
    async fn step(&mut self) -> Result<Step, CutOff> {
        if self.stop.is_cancelled() {
            return Err(CutOff::Stopping);
        }
        let read = {
            let _page = self.turn.page().await;
            self.export.next().await?
        };
        let Some(calls) = read else {
            return Ok(Step::End);
        };
        if calls.is_empty() {
            return Ok(Step::Passed);
        }
        let mut rows = Vec::new();
        for call in &calls {
            self.format.write(call, &mut rows)?;
        }
        let calls = calls.len();
        Ok(Step::Page(Page { rows, calls }))
    }
}

impl Body for ExportBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let page = if let Some(first) = self.first.take() {
            first
        } else {
            let Some(next) = &mut self.next else {
                return Poll::Ready(None);
            };
            match ready!(next.as_mut().poll(cx)) {
                Ok((reading, Some(page))) => {
                    self.next = Some(Box::pin(reading.next()));
                    page
                }
                Ok((_, None)) => {
                    self.over("complete");
                    return Poll::Ready(None);
                }
                Err(error) => {
                    let cause = format!("{:#}", anyhow::Error::from(error));
                    tracing::warn!(cause, "an export was cut off");
                    self.over("cut_off");
                    return Poll::Ready(Some(Err(cause.into())));
                }
            }
        };
        self.metrics.calls_exported(page.calls);
        Poll::Ready(Some(Ok(Frame::data(page.rows.into()))))
    }
}

impl Drop for ExportBody {
    fn drop(&mut self) {
        if self.next.is_some() {
            self.over("left");
        }
    }
}

impl From<CutOff> for Error {
    fn from(error: CutOff) -> Self {
        match error {
            CutOff::Store(error) => error.into(),
            CutOff::Stopping => Self::new(Code::Unavailable, "the service stops; try again"),
            CutOff::Unwritable(error) => {
                Self::new(Code::Internal, "internal error").caused_by(error)
            }
        }
    }
}
