//! What the commands set of a connection, and what they take away.

use anyhow::Context as _;
use url::Url;

use crate::{
    calls::connect::change::Change,
    domain::{
        connection::{AnsweredBy, MAX_DURATION_S_MAX},
        party::E164,
        text::Text,
        voice_call::update::Edit,
    },
};

/// What is set of a connection.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SettingsArgs {
    /// What to call it
    #[arg(long, value_name = "TEXT", value_parser = label)]
    pub(super) label: Option<Text<100>>,
    /// A number whose calls it hangs up, and from which it places calls, in E.164; repeatable, together they are all
    #[arg(long = "number", value_name = "+1…")]
    pub(super) numbers: Vec<E164>,
    /// What answers the calls that it places
    #[command(flatten)]
    pub(super) answer: Answer,
    /// How long a call by it may last, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_DURATION_S_MAX)))]
    pub(super) max_duration: Option<i32>,
}

/// What can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Clear {
    /// What it is called
    Label,
    /// Its numbers
    Numbers,
    /// What answers the calls that it places
    Answer,
    /// How long its calls may last
    MaxDuration,
}

/// What answers the calls that a connection places.
#[derive(Debug, Default, clap::Args)]
#[group(id = "answered_by", multiple = false)]
pub(in crate::cli) struct Answer {
    /// The URL that the provider fetches when somebody takes a call that was placed; `call_id` and `ai_agent_id` are added to it
    #[arg(long = "answer-url", value_name = "URL")]
    url: Option<String>,
    /// An application of the provider's, instead
    #[arg(long = "answer-application", value_name = "AP…")]
    application: Option<String>,
}

impl SettingsArgs {
    /// The change that they ask for.
    pub(super) fn change(self, clear: &[Clear]) -> anyhow::Result<Change> {
        let gone = |what| clear.contains(&what);
        let answer = self.answer.parse()?;
        let numbers = Some(self.numbers).filter(|numbers| !numbers.is_empty());
        for (what, set) in [
            (Clear::Label, self.label.is_some()),
            (Clear::Numbers, numbers.is_some()),
            (Clear::Answer, answer.is_some()),
            (Clear::MaxDuration, self.max_duration.is_some()),
        ] {
            anyhow::ensure!(!(set && gone(what)), "{what:?} cannot be set and cleared");
        }
        Ok(Change {
            label: set(self.label, gone(Clear::Label)),
            answered_by: set(answer, gone(Clear::Answer)),
            max_duration_s: set(self.max_duration, gone(Clear::MaxDuration)),
            numbers: numbers.or(gone(Clear::Numbers).then(Vec::new)),
            rotation: None,
        })
    }
}

fn set<T>(value: Option<T>, gone: bool) -> Edit<T> {
    if value.is_some() || gone {
        Edit::to(value)
    } else {
        Edit::Keep
    }
}

impl Answer {
    /// What answers, if anything does.
    pub(super) fn parse(self) -> anyhow::Result<Option<AnsweredBy>> {
        let application = self.application.map(Text::parse).transpose()?;
        anyhow::ensure!(
            application
                .as_ref()
                .is_none_or(|text| !text.as_str().is_empty()),
            "the application has no id"
        );
        let url = self.url.as_deref().map(Url::parse).transpose();
        let url = url.context("the answer URL")?.map(AnsweredBy::Url);
        Ok(url.or(application.map(AnsweredBy::Application)))
    }
}

fn label(text: &str) -> Result<Text<100>, String> {
    let label = Text::parse(text).map_err(|error| error.to_string())?;
    if text.trim().is_empty() {
        return Err("must not be empty; --clear label takes it away".to_owned());
    }
    Ok(label)
}
