//! Answers that are too large to be kept in memory: read as they come. They come from where a request may go and nowhere else.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Egress, Error, Request, classify, retry_after};

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Incoming {
    /// Its status; a redirect is an answer like any other.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
}

impl Egress {
    /// Sends a request and answers once the head of the answer is there, within so long.
    pub async fn open(&self, request: Request, within: Duration) -> Result<Incoming, Error> {
        self.resolver
            .policy
            .check(&request.url)
            .map_err(Error::Refused)?;
        let sending = self.client.request(request.method, request.url);
        let sending = Box::pin(sending.headers(request.headers).body(request.body).send());
        let mut response = match tokio::time::timeout(within, sending).await {
            Ok(answered) => answered.map_err(classify)?,
            Err(_elapsed) => return Err(Error::TimedOut),
        };
        Ok(Incoming {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            response,
        })
    }
}

impl Incoming {
    /// The next part of the body, within so long; `None` once it is complete.
    pub async fn chunk(&mut self, within: Duration) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(within, self.response.chunk()).await {
            Ok(read) => read.map_err(classify),
            Err(_elapsed) => Err(Error::TimedOut),
        }
    }

    /// How long it asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}
