//! The facts of a call in a few English sentences, from the sections that were made. No judgement, and nothing that is not in
//! them.

use std::fmt::Write as _;

use crate::domain::{
    analysis::{
        CallMetrics, ConversationCharacteristics, Sentiment,
        call_metrics::EndedBy,
        content::{KeyPhrases, Summary, SummaryMethod},
        sentiment::Trend,
    },
    state::{CallState, Direction},
    transcript::SpeakerRole,
};

/// So many key phrases are named.
const PHRASES_MAX: usize = 3;

/// The sections that a summary is made of.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Which way the call went.
    pub direction: Option<Direction>,
    /// What telephony reported.
    pub call: &'a CallMetrics,
    /// Who talked when.
    pub conversation: Option<&'a ConversationCharacteristics>,
    /// How it sounded.
    pub sentiment: Option<&'a Sentiment>,
    /// What it was about.
    pub key_phrases: Option<&'a KeyPhrases>,
    /// Whether a machine answered.
    pub is_voicemail: bool,
}

/// Makes the section.
pub fn summary(known: &Known<'_>) -> Summary {
    let mut text = call(known);
    if let Some(conversation) = known.conversation {
        text.push_str(&talk(conversation));
    }
    if let Some(sentiment) = known.sentiment {
        text.push_str(&tone(sentiment));
    }
    if let Some(phrases) = known
        .key_phrases
        .filter(|phrases| !phrases.items.is_empty())
    {
        let named: Vec<&str> = phrases
            .items
            .iter()
            .take(PHRASES_MAX)
            .map(|phrase| phrase.text.as_str())
            .collect();
        told(&mut text, format_args!(" Most said: {}.", named.join(", ")));
    }
    Summary {
        method: SummaryMethod::Template,
        text,
    }
}

fn call(known: &Known<'_>) -> String {
    let call = known.call;
    let mut text = match known.direction {
        Some(Direction::Inbound) => "Inbound call".to_owned(),
        Some(Direction::Outbound) => "Outbound call".to_owned(),
        None => "Call".to_owned(),
    };
    if known.is_voicemail {
        text.push_str(", taken by voicemail");
    }
    if call.answered {
        match call.ring_ms {
            Some(ring) if !known.is_voicemail => told(
                &mut text,
                format_args!(", answered after {}", seconds(ring)),
            ),
            Some(_) | None => {}
        }
        if let Some(talk) = call.talk_duration_ms {
            told(&mut text, format_args!(", {} of talk", seconds(talk)));
        }
        if call.short_call {
            text.push_str(", a short call");
        }
    } else if !known.is_voicemail {
        text.push_str(match call.disposition {
            CallState::Busy => ", not answered: busy",
            CallState::Failed => ", not answered: it failed",
            CallState::Canceled if call.abandoned => ", not answered: the caller gave up",
            CallState::Canceled => ", not answered: canceled",
            _ => ", not answered",
        });
        if let Some(ring) = call.ring_ms {
            told(
                &mut text,
                format_args!(", after {} of ringing", seconds(ring)),
            );
        }
    }
    if call.ended_by == EndedBy::Api {
        text.push_str(", ended by this service");
    }
    text.push('.');
    text
}

fn talk(conversation: &ConversationCharacteristics) -> String {
    let mut facts = Vec::new();
    let agent = SpeakerRole::Agent.as_str();
    if let Some(Some(ratio)) = conversation.talk_ratio.get(agent) {
        facts.push(format!("the agent had {:.0} % of the talk", ratio * 100.0));
    }
    match conversation.interruptions.total_count {
        0 => {}
        1 => facts.push("1 interruption".to_owned()),
        many => facts.push(format!("{many} interruptions")),
    }
    let silences = &conversation.non_talk_time.instances;
    if let Some(longest) = silences.iter().map(|gap| gap.duration_ms).max() {
        facts.push(format!("the longest silence was {}", seconds(longest)));
    }
    if facts.is_empty() {
        return String::new();
    }
    let mut text = facts.join(", ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!(" {text}.")
}

fn tone(sentiment: &Sentiment) -> String {
    let customer = SpeakerRole::Customer.as_str();
    let quarters = sentiment.by_period.quarter.get(customer);
    let ends =
        quarters.and_then(|quarters| Some((quarters.first()?.score, quarters.last()?.score)));
    match (
        ends,
        sentiment.trend.get(customer),
        sentiment.overall.get(customer),
    ) {
        (Some((first, last)), Some(Trend::Improving), _) => {
            format!(" Customer sentiment rose from {first:.1} to {last:.1}.")
        }
        (Some((first, last)), Some(Trend::Declining), _) => {
            format!(" Customer sentiment fell from {first:.1} to {last:.1}.")
        }
        (_, _, Some(overall)) => {
            format!(" Customer sentiment was {overall:.1} on a scale of -5 to 5.")
        }
        (..) => String::new(),
    }
}

/// Whole seconds, minutes where there are some.
fn seconds(ms: u64) -> String {
    let seconds = ms / 1_000;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn told(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more)
        .expect("a text takes all that is written to it");
}
