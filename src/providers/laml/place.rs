//! Placing a call, and finding one among those that were placed.

use bytes::Bytes;
use http::{Method, StatusCode};
use url::form_urlencoded;

use crate::{
    domain::{connection::AnsweredBy, report::ProviderCallId},
    egress::Answer,
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    Api, FORM, basic,
    wire::{CallList, CreatedCall, ErrorBody, ListedCall},
};

/// How long the callee's telephone rings, in seconds; the API's own default.
const RING_S: &str = "60";

/// What is told of a call, each once.
const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// How many calls between two numbers are looked at, the newest.
const LISTED_MAX: &str = "50";

impl Api {
    /// `POST …/Calls.json`.
    pub(in crate::providers) async fn create(
        &self,
        access: &Access<'_>,
        order: &CallOrder<'_>,
    ) -> Result<ProviderCallId, ProviderError> {
        let body = (FORM, Bytes::from(self.form(order)));
        let authorization = basic(&access.connection.credentials)?;
        let url = self.calls_url(access);
        let sending = access.send(Method::POST, url, authorization, Some(body));
        let answer = sending.await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => {
                let created: CreatedCall = serde_json::from_slice(&answer.body)
                    .map_err(|_error| ProviderError::garbled("not a call resource"))?;
                ProviderCallId::parse(created.sid)
                    .map_err(|_error| ProviderError::garbled("a call without a sid"))
            }
            _ => Err(refusal(&answer)),
        }
    }

    /// `GET …/Calls.json`: it lists the newest first.
    pub(in crate::providers) async fn created_since(
        &self,
        access: &Access<'_>,
        search: &Search<'_>,
    ) -> Result<Vec<ProviderCallId>, ProviderError> {
        let mut url = self.calls_url(access);
        url.query_pairs_mut()
            .append_pair("From", search.from.as_str())
            .append_pair("To", search.to.as_str())
            .append_pair("PageSize", LISTED_MAX);
        let authorization = basic(&access.connection.credentials)?;
        let answer = access.send(Method::GET, url, authorization, None).await?;
        if answer.status != StatusCode::OK {
            return Err(ProviderError::of(&answer));
        }
        let list = CallList::parse(&answer)?;
        let mut found: Vec<_> = list
            .calls
            .into_iter()
            .filter(ListedCall::is_by_api)
            .filter_map(|call| Some((call.created_at()?, call.sid)))
            .filter(|(created, _)| *created >= search.since)
            .collect();
        found.sort();
        Ok(found
            .into_iter()
            .filter_map(|(_, sid)| ProviderCallId::parse(sid).ok())
            .collect())
    }

    fn form(&self, order: &CallOrder<'_>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", order.to.as_str())
            .append_pair("From", order.from.as_str());
        match order.answered_by {
            AnsweredBy::Url(url) => {
                let mut url = url.clone();
                url.query_pairs_mut().extend_pairs(order.told);
                form.append_pair("Url", url.as_str());
            }
            // It has a URL of its own, to which nothing can be added.
            AnsweredBy::Application(sid) => {
                form.append_pair("ApplicationSid", sid.as_str());
            }
        }
        if let Some(extension) = order.extension {
            // A second of silence first.
            form.append_pair("SendDigits", &format!("ww{extension}"));
        }
        let callback = format!("{}{}", order.status_callback, self.callback_overrides);
        form.append_pair("StatusCallback", &callback)
            .append_pair("StatusCallbackMethod", "POST");
        for event in EVENTS {
            form.append_pair("StatusCallbackEvent", event);
        }
        form.append_pair("Timeout", RING_S);
        if let (Some(max), Some(most)) = (order.max_duration, self.time_limit_s_max) {
            form.append_pair("TimeLimit", &max.as_secs().min(most).to_string());
        }
        form.finish()
    }
}

/// What it means that a call was not placed.
fn refusal(answer: &Answer) -> ProviderError {
    let words = ErrorBody::parse(answer).map(|body| body.to_string());
    ProviderError::not_placed(answer, words.as_deref())
}
