//! Following one connection: open, report what is live, report what happens; when it breaks, wait and begin anew.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    calls::{ingest::IngestError, legs, place},
    domain::{backoff, connection::Connection},
    providers::{
        Access, InboundReport, Provider, ProviderError,
        stream::{Heard, Listening},
    },
    queue::runner,
    store,
};

use super::{Hearing, our_name, told};

/// How long opening a stream, and each request for it, may take.
const OPEN_MAX: Duration = Duration::from_secs(10);

/// The longest time between two attempts to open a stream, before jitter.
const AGAIN_MAX: Duration = Duration::from_mins(1);

/// A stream that lasted so long was a good one: what follows it is not its failure.
const GOOD: Duration = Duration::from_mins(1);

/// Follows a connection.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) hearing: Hearing,
    pub(super) provider: &'static dyn Provider,
    pub(super) connection: Connection,
    pub(super) stop: CancellationToken,
}

/// Why a stream is not followed any further.
enum Broken {
    /// Nobody wants it any more.
    Stopped,
    /// It broke, or could not be opened.
    Failed(ProviderError),
}

impl From<ProviderError> for Broken {
    fn from(error: ProviderError) -> Self {
        Self::Failed(error)
    }
}

impl Follower {
    /// Follows it until told to stop.
    pub(super) async fn run(self) {
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            let ended = self.stop.run_until_cancelled(Box::pin(self.hear())).await;
            let error = match ended {
                None | Some(Broken::Stopped) => return,
                Some(Broken::Failed(error)) => error,
            };
            failures = if begun.elapsed() >= GOOD {
                1
            } else {
                failures + 1
            };
            let wait = backoff::queue_retry(failures, runner::random_unit()).min(AGAIN_MAX);
            tracing::warn!(
                connection.id = %self.connection.connection_id,
                error = %error,
                again_ms = wait.as_millis(),
                "a provider is not listened to"
            );
            let metrics = &self.hearing.metrics;
            metrics.stream_broke(self.provider.name());
            let waited = self.stop.run_until_cancelled(tokio::time::sleep(wait));
            if waited.await.is_none() {
                return;
            }
        }
    }

    /// Opens the stream and follows it to its end.
    async fn hear(&self) -> Broken {
        let access = Access {
            egress: &self.hearing.tools.egress,
            connection: &self.connection,
            deadline: OPEN_MAX,
        };
        let opened = self.provider.listen(&access).await;
        let listening = match opened {
            Ok(listening) => listening,
            Err(error) => return error.into(),
        };
        let name = self.provider.name();
        let _connected = self.hearing.metrics.stream_connected(name);
        tracing::info!(connection.id = %self.connection.connection_id, live = listening.live.len(), "a provider is listened to");
        match self.take_all(listening).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn take_all(&self, listening: Listening) -> Result<std::convert::Infallible, Broken> {
        let Listening { mut stream, live } = listening;
        let (name, metrics) = (self.provider.name(), &self.hearing.metrics);
        for report in live {
            self.take(report).await?;
        }
        loop {
            match stream.next().await? {
                Heard::Reports(reports) => {
                    let told = if reports.is_empty() {
                        "nothing"
                    } else {
                        "reports"
                    };
                    metrics.stream_message(name, told);
                    for report in reports {
                        self.take(report).await?;
                    }
                }
                Heard::Unreadable(why) => {
                    metrics.stream_message(name, "unreadable");
                    tracing::warn!(connection.id = %self.connection.connection_id, why, "a message from a provider cannot be read");
                }
            }
        }
    }

    /// Has a report committed. While that cannot be, nothing more is read: what waits, waits at the provider's end.
    async fn take(&self, report: InboundReport) -> Result<(), Broken> {
        let mut failures = 0;
        loop {
            match self.commit(report.clone()).await {
                Ok(()) => return Ok(()),
                Err(IngestError::Refused(error)) => {
                    tracing::error!(connection.id = %self.connection.connection_id, error = %error, "a report cannot be stored");
                    return Ok(());
                }
                Err(IngestError::Busy | IngestError::Unavailable(_)) => {}
            }
            if self.hearing.supervisor.stopping().is_cancelled() {
                return Err(Broken::Stopped);
            }
            failures += 1;
            tokio::time::sleep(backoff::queue_retry(failures, runner::random_unit())).await;
        }
    }

    async fn commit(&self, report: InboundReport) -> Result<(), IngestError> {
        let (tools, connection) = (&self.hearing.tools, &self.connection);
        if let Some(call_id) = our_name(self.provider, &report) {
            let of = (connection.account_id, call_id);
            let bound = place::bind(
                &tools.db,
                &tools.wake,
                of,
                connection.connection_id,
                &report,
            );
            bound
                .await
                .map_err(|error: store::Error| IngestError::from(error))?;
        }
        let leg = report.leg.clone();
        let report = told(self.provider, connection, report);
        Box::pin(legs::take(tools, &self.hearing.ingest, report, &leg)).await
    }
}
