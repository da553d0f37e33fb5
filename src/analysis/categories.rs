//! The account's categories: which of them a call is in, and where.

use super::{heard::Heard, phrases::Phrases};
use crate::domain::analysis::{
    content::{Categories, Category, PointOfInterest, RulesMethod},
    conversation::Span,
    settings::CategoryRule,
};

/// So many utterances are listed of a category.
pub const POINTS_MAX: usize = 100;

/// Makes the section; `duration_ms` is that of the conversation.
pub fn categories(rules: &[CategoryRule], heard: &[Heard<'_>], duration_ms: u64) -> Categories {
    let phrases = rules.iter().enumerate().flat_map(|(rule, of_rule)| {
        let phrases = of_rule.phrases.iter().enumerate();
        phrases.map(move |(phrase, text)| (text.as_str(), (rule, phrase)))
    });
    let phrases = Phrases::new(phrases);
    let mut points: Vec<Vec<PointOfInterest>> = vec![Vec::new(); rules.len()];
    for (turn, said) in heard.iter().enumerate() {
        if phrases.is_empty() {
            break;
        }
        phrases.find(&said.words(), |(rule, phrase)| {
            let (Some(rule), Some(points)) = (rules.get(rule), points.get_mut(rule)) else {
                return;
            };
            let is_listed = points.last().is_some_and(|last| last.turn == turn);
            if !is_listed && points.len() < POINTS_MAX && applies(rule, said, duration_ms) {
                let begin = u64::from(said.utterance.begin_ms);
                points.push(PointOfInterest {
                    turn,
                    phrase: rule.phrases.get(phrase).cloned().unwrap_or_default(),
                    span: Span::new(begin, said.utterance.end_ms.into()),
                });
            }
        });
    }
    let items = rules.iter().zip(points).filter_map(|(rule, points)| {
        (points.is_empty() == rule.negate).then(|| Category {
            name: rule.name.clone(),
            points_of_interest: if rule.negate { Vec::new() } else { points },
        })
    });
    Categories {
        method: RulesMethod::Rules,
        items: items.collect(),
    }
}

/// Whether the rule asks for this speaker and this time.
fn applies(rule: &CategoryRule, said: &Heard<'_>, duration_ms: u64) -> bool {
    let begin = u64::from(said.utterance.begin_ms);
    let ms = |seconds: u32| u64::from(seconds) * 1_000;
    rule.speaker.is_none_or(|speaker| said.is_by(speaker))
        && rule.first_seconds.is_none_or(|seconds| begin < ms(seconds))
        && rule
            .last_seconds
            .is_none_or(|seconds| begin + ms(seconds) >= duration_ms)
}
