//! Sentiment by lexicon: VADER, with or without the words of service talk.
//!
//! Contact Lens publishes the arithmetic above the utterance, and its own sample confirms it: a score is five times the
//! mean over a quarter of the participant's time, the quarter is that in which the utterance begins, overall is the mean
//! of four. VADER knows English; where nobody can tell which language it is, it is taken for English.

use std::collections::BTreeMap;

use self::vader::{Profile, Vader};
use super::number::{count, float, mean, rounded};
use crate::domain::{
    analysis::{
        sentiment::{ByPeriod, Label, Quarter, Sentiment, SentimentMethod, Trend},
        settings::{SentimentProfile, SentimentSettings},
    },
    transcript::{Language, Times, Utterance},
};

pub mod vader;

/// What scores the calls of an account.
pub fn scorer(settings: &SentimentSettings) -> Vader {
    let profile = match settings.profile {
        SentimentProfile::Call => Profile::Call,
        SentimentProfile::Plain => Profile::Plain,
    };
    Vader::new(profile, settings.words.clone())
}

/// Whether the lexicon knows the language.
pub fn is_supported(language: Option<&Language>) -> bool {
    language.is_none_or(|language| language.is("en"))
}

/// Makes the section from the utterances and the compound score of each, by the scorer of these settings. Without times there are
/// no quarters: overall is five times the mean, and nobody can say how it changed.
pub fn sentiment(
    (utterances, times): (&[Utterance], Times),
    compounds: &[f64],
    settings: &SentimentSettings,
) -> Sentiment {
    let mut turns: BTreeMap<&str, Vec<(&Utterance, f64)>> = BTreeMap::new();
    for (utterance, compound) in utterances.iter().zip(compounds) {
        let own = turns.entry(utterance.participant()).or_default();
        own.push((utterance, *compound));
    }
    let mut made = Sentiment {
        method: match settings.profile {
            SentimentProfile::Call => SentimentMethod::VaderCall,
            SentimentProfile::Plain => SentimentMethod::Vader,
        },
        scale: "-5..5",
        own_words: settings.words.len(),
        overall: BTreeMap::new(),
        label: BTreeMap::new(),
        by_period: ByPeriod {
            quarter: BTreeMap::new(),
        },
        change: BTreeMap::new(),
        trend: BTreeMap::new(),
    };
    for (participant, turns) in turns {
        if times == Times::Absent {
            let own: Vec<f64> = turns.iter().map(|(_, compound)| *compound).collect();
            made.tell_overall(participant, rounded(5.0 * mean(&own).unwrap_or(0.0), 2));
            continue;
        }
        let quarters = quarters(&turns);
        let scores = quarters.each_ref().map(|quarter| quarter.score);
        let overall = rounded(mean(&scores).unwrap_or(0.0), 2);
        let [first, .., last] = scores;
        let change = rounded(last - first, 2);
        made.tell_overall(participant, overall);
        let name = participant.to_owned();
        made.change.insert(name.clone(), change);
        made.trend.insert(name.clone(), trend(change));
        made.by_period.quarter.insert(name, quarters.into());
    }
    made
}

impl Sentiment {
    fn tell_overall(&mut self, participant: &str, overall: f64) {
        self.overall.insert(participant.to_owned(), overall);
        let label = Label::of(overall / 5.0);
        self.label.insert(participant.to_owned(), label);
    }
}

/// The four quarters from 0 to the participant's last word.
fn quarters(turns: &[(&Utterance, f64)]) -> [Quarter; 4] {
    let end = turns.iter().map(|(turn, _)| turn.end_ms).max().unwrap_or(0);
    let end = u64::from(end);
    let mut compounds = [(); 4].map(|()| Vec::with_capacity(turns.len() / 2));
    for (turn, compound) in turns {
        if let Some(own) = compounds.get_mut(quarter_of(turn.begin_ms.into(), end)) {
            own.push(*compound);
        }
    }
    let mut begin = 0;
    let mut index = 0;
    compounds.map(|own| {
        index += 1;
        let until = end * index / 4;
        let quarter = Quarter {
            begin_offset_ms: begin,
            end_offset_ms: until,
            score: rounded(5.0 * mean(&own).unwrap_or(0.0), 2),
            score_label: label_score(&own),
            turns: count(own.len()),
        };
        begin = until;
        quarter
    })
}

/// The quarter, from 0, in which a time lies.
fn quarter_of(begin: u64, end: u64) -> usize {
    let quarters = [end, end * 2, end * 3];
    let begun = quarters.iter().filter(|quarter| begin * 4 >= **quarter);
    if end == 0 { 0 } else { begun.count() }
}

fn label_score(compounds: &[f64]) -> f64 {
    if compounds.is_empty() {
        return 0.0;
    }
    let (mut positive, mut negative) = (0, 0);
    for compound in compounds {
        match Label::of(*compound) {
            Label::Positive => positive += 1,
            Label::Negative => negative += 1,
            Label::Neutral => {}
        }
    }
    let balance = float(positive) - float(negative);
    rounded(5.0 * balance / float(count(compounds.len())), 2)
}

fn trend(change: f64) -> Trend {
    if change >= 1.0 {
        Trend::Improving
    } else if change <= -1.0 {
        Trend::Declining
    } else {
        Trend::Stable
    }
}
