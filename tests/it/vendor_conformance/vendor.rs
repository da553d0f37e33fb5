//! What the conformance suite knows of each vendor: one [`Vendor`] an adapter, listed in [`VENDORS`].

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use onhook::{
    domain::{
        connection::Credentials,
        party::E164,
        report::{ProviderCallId, ReportKind},
    },
    providers::{InboundError, LookUp, ProviderError},
};

use crate::provider_double::Reply;

use super::{
    asterisk, daily, freeswitch, jambonz, livekit, plivo, signalwire, telnyx, twilio, vonage,
};

/// Every vendor; an adapter without a line here fails.
pub(crate) const VENDORS: &[&Vendor] = &[
    &twilio::VENDOR,
    &vonage::VENDOR,
    &telnyx::VENDOR,
    &signalwire::VENDOR,
    &plivo::VENDOR,
    &jambonz::VENDOR,
    &asterisk::VENDOR,
    &freeswitch::VENDOR,
    &livekit::VENDOR,
    &daily::VENDOR,
];

/// Our id of the call in orders.
pub(crate) const CALL_ID: &str = "019a2b3c-0000-7000-8000-000000000001";

/// What may happen when a vendor is asked to end something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Ends,
    AlreadyOver,
    Unknown,
    Refused,
    WrongCredentials,
    Forbidden,
    Throttled,
    ThrottledWithoutSaying,
    Unavailable,
    Failing,
    Silent,
    Closing,
    WebPage,
    OtherNotFound,
    Redirect,
    Huge,
}

/// Every case.
pub(crate) const CASES: [Case; 16] = [
    Case::Ends,
    Case::AlreadyOver,
    Case::Unknown,
    Case::Refused,
    Case::WrongCredentials,
    Case::Forbidden,
    Case::Throttled,
    Case::ThrottledWithoutSaying,
    Case::Unavailable,
    Case::Failing,
    Case::Silent,
    Case::Closing,
    Case::WebPage,
    Case::OtherNotFound,
    Case::Redirect,
    Case::Huge,
];

/// What a vendor replies in a case.
#[derive(Debug)]
pub(crate) enum Replies {
    /// What anybody would: [`common`].
    Common,
    /// This, one reply a request.
    Own(Vec<Reply>),
    /// It cannot be at this vendor, for the reason given.
    Never(&'static str),
}

/// What the suite knows of a vendor.
pub(crate) struct Vendor {
    /// The adapter's name.
    pub(crate) name: &'static str,
    /// Credentials that its adapter can use; what must stay secret contains `hush`.
    pub(crate) credentials: fn() -> Credentials,
    /// The replies to being asked to end `NAME`.
    pub(crate) end: fn(Case) -> Replies,
    /// The replies to a probe that prove the credentials.
    pub(crate) probe: fn() -> Vec<Reply>,
    /// What a provider, not a room server, does besides.
    pub(crate) provider: Option<&'static Calls>,
    /// What it posts.
    pub(crate) inbound: Option<&'static Inbound>,
}

/// What the suite knows of how a provider is asked about calls.
pub(crate) struct Calls {
    /// Replies to a look-up of `NAME`, and what they mean.
    pub(crate) look_up: fn() -> Vec<(Vec<Reply>, Known)>,
    /// Replies to an order, and what they mean; absent if it places none.
    pub(crate) create: Option<CreateReplies>,
}

/// Replies to an order, and what they mean.
pub(crate) type CreateReplies = fn() -> Vec<(Vec<Reply>, Created)>;

/// What a look-up must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Unknown,
    Unclear,
    Is(ReportKind),
    Fails,
}

impl Known {
    /// What a look-up came to.
    pub(crate) fn of(looked: &Result<LookUp, ProviderError>) -> Self {
        match looked {
            Ok(LookUp::Unknown) => Self::Unknown,
            Ok(LookUp::Unclear) => Self::Unclear,
            Ok(LookUp::Known(report)) => Self::Is(report.kind),
            Err(_) => Self::Fails,
        }
    }
}

/// What an order must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// A call of this name.
    Named(&'static str),
    /// No call for certain.
    NoCall,
    /// Perhaps a call.
    Perhaps,
}

impl Created {
    /// Whether this is what it came to.
    pub(crate) fn is(self, created: &Result<ProviderCallId, ProviderError>) -> bool {
        match (self, created) {
            (Self::Named(name), Ok(call)) => call.as_str() == name,
            (Self::NoCall, Err(error)) => !error.may_be_done(),
            (Self::Perhaps, Err(error)) => error.may_be_done(),
            (_, _) => false,
        }
    }
}

/// What the suite knows of a vendor's callbacks.
pub(crate) struct Inbound {
    /// A genuine callback for a URL, signed at a time, by which the call `GENUINE` has ended.
    pub(crate) genuine: fn(&str, DateTime<Utc>) -> Posted,
    /// The headers without which, or with any of which altered, it is not genuine.
    pub(crate) proof: &'static [&'static str],
    /// The signature covers the URL.
    pub(crate) url_is_signed: bool,
    /// The signature does not cover the body: basic authentication.
    pub(crate) body_is_free: bool,
    /// How old or how far ahead it may be, in seconds; absent if the signature carries no time.
    pub(crate) window_s: Option<i64>,
    /// What becomes of a genuine body with another media type; absent if the media type is not looked at.
    pub(crate) other_media_type: Option<InboundError>,
    /// Every status there is, one that nobody knows among them, and what each means.
    pub(crate) statuses: fn(&str, DateTime<Utc>) -> Vec<Status>,
    /// Whole lives of one call each, in the order in which they happen, and how the record of each must end.
    pub(crate) lives: fn(&str, DateTime<Utc>) -> Vec<Life>,
}

/// A callback and what it means; nothing for a status that nobody knows.
pub(crate) type Status = (Posted, Option<ReportKind>);

/// A call's callbacks and the state in which the record must end.
pub(crate) type Life = (Vec<Posted>, &'static str);

/// A request of a vendor to us.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Posted {
    /// A request with these headers.
    pub(crate) fn new(url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        Self {
            url: url.to_owned(),
            headers: headers.collect(),
            body: body.into(),
        }
    }
}

/// The account's number in orders.
pub(crate) fn from() -> E164 {
    "+14155550100".parse().unwrap()
}

/// The callee in orders.
pub(crate) fn to() -> E164 {
    "+14155550148".parse().unwrap()
}

/// What anybody replies in a case.
pub(crate) fn common(case: Case) -> Reply {
    let page = "<html>Welcome</html>";
    match case {
        Case::Ends | Case::AlreadyOver | Case::Unknown | Case::Refused => {
            unreachable!("{case:?} is every vendor's own")
        }
        Case::WrongCredentials => Reply::json(401, r#"{"code":20003,"message":"Authenticate"}"#),
        Case::Forbidden => Reply::json(403, "{}"),
        Case::Throttled => Reply::json(429, r#"{"code":20429}"#).with("retry-after", "7"),
        Case::ThrottledWithoutSaying => Reply::json(429, "{}"),
        Case::Unavailable => Reply::json(503, "")
            .with("date", "Tue, 21 Oct 2025 18:00:00 GMT")
            .with("retry-after", "Tue, 21 Oct 2025 18:01:30 GMT"),
        Case::Failing => Reply::json(500, r#"{"code":"internal"}"#),
        Case::Silent => Reply::Silence,
        Case::Closing => Reply::Close,
        Case::WebPage => Reply::json(200, page),
        Case::OtherNotFound => Reply::json(404, page),
        Case::Redirect => Reply::json(302, "").with("location", "http://127.0.0.1:9/"),
        Case::Huge => Reply::json(200, format!("{{\"status\":\"{}\"}}", "x".repeat(2 << 20))),
    }
}
