//! What an account wants of its analyses. What it does not say is as documented; a change counts for analyses that are made
//! after it, and makes no analysis by itself.
//!
//! Each part is read by its own module, through [`read::Object`], so that everything that is wrong is named at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::fault::Fault;

pub mod categories;
pub mod insights;
pub mod privacy;
pub mod read;
pub mod recordings;
pub mod sentiment;

pub use categories::CategoryRule;
pub use insights::InsightSettings;
pub use privacy::PrivacySettings;
pub use recordings::RecordingSettings;
pub use sentiment::{SentimentProfile, SentimentSettings};

/// The largest body that carries settings.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Seconds of talk under which an answered call is a short one, unless the account says otherwise.
const SHORT_CALL_SECONDS: u16 = 10;

/// What an account wants of its analyses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!(example()))]
pub struct Settings {
    /// An answered call with fewer seconds of talk is a short call.
    #[schema(minimum = 0, maximum = 600, default = 10)]
    pub short_call_seconds: u16,
    /// Which words have a value.
    pub sentiment: SentimentSettings,
    /// Into which categories calls are put. At most 100.
    #[schema(max_items = 100)]
    pub categories: Vec<CategoryRule>,
    /// What a language model is asked.
    pub insights: InsightSettings,
    /// Who is shown what was said as it was said.
    pub privacy: PrivacySettings,
    /// Recordings.
    pub recordings: RecordingSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            short_call_seconds: SHORT_CALL_SECONDS,
            sentiment: SentimentSettings::default(),
            categories: Vec::new(),
            insights: InsightSettings::default(),
            privacy: PrivacySettings::default(),
            recordings: RecordingSettings::default(),
        }
    }
}

/// What settings look like.
pub fn example() -> Value {
    serde_json::json!({
        "short_call_seconds": 10,
        "sentiment": {"profile": "call", "words": {"broken": -2.0, "crisp": null}},
        "categories": [{
            "name": "cancellation", "phrases": ["cancel my *", "close my account"], "speaker": "customer",
            "first_seconds": null, "last_seconds": null, "negate": false,
        }],
        "insights": {"enabled": true, "schema": null, "fields": [{
            "name": "churn_risk", "type": "enum", "choices": ["low", "high"],
            "description": "How likely the customer is to leave.", "required": false,
        }]},
        "privacy": {"transcripts": "raw", "webhooks": "redacted"},
        "recordings": {"fetch": true, "transcribe": true, "agent_channel": "first"},
    })
}

impl Settings {
    /// Reads a body. Either settings, or everything that is wrong with it.
    pub fn read(body: &Value) -> Result<Self, Vec<Fault>> {
        let default = Self::default();
        read::whole(body, |object| {
            object.only(&[
                "short_call_seconds",
                "sentiment",
                "categories",
                "privacy",
                "insights",
                "recordings",
            ]);
            Self {
                short_call_seconds: object
                    .number("short_call_seconds", 0..=600)
                    .unwrap_or(default.short_call_seconds),
                sentiment: object
                    .object("sentiment", SentimentSettings::read)
                    .unwrap_or_default(),
                categories: categories::read(object),
                insights: object
                    .object("insights", InsightSettings::read)
                    .unwrap_or_default(),
                privacy: object
                    .object("privacy", PrivacySettings::read)
                    .unwrap_or_default(),
                recordings: object
                    .object("recordings", RecordingSettings::read)
                    .unwrap_or_default(),
            }
        })
    }
}
