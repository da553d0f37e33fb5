//! What a conversation is about, by its own words: runs of words that are not common, the more telling the more often, the
//! longer, the earlier and the more by the customer they are said. How a call begins and ends tells nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{
    hashing::WordState,
    heard::{Heard, Spoken},
    number::count,
};
use crate::domain::{
    analysis::content::{KeyPhrase, KeyPhrases, RulesMethod},
    transcript::SpeakerRole,
};

/// So many are kept.
pub const KEPT_MAX: usize = 10;
/// So many words make a phrase.
const WORDS_MAX: usize = 4;
/// A single word has so many letters at least.
const LETTERS_MIN: usize = 4;
/// So many turns are listed.
const TURNS_MAX: usize = 10;
/// So many turns at the beginning and the end may be greetings.
const OPENING_TURNS: usize = 2;
const CLOSING_TURNS: usize = 3;

const GREETINGS: [[&str; 2]; 12] = [
    ["for", "calling"],
    ["help", "you"],
    ["assist", "you"],
    ["speaking", "with"],
    ["this", "is"],
    ["nice", "day"],
    ["great", "day"],
    ["good", "day"],
    ["good", "one"],
    ["take", "care"],
    ["your", "patience"],
    ["anything", "else"],
];

const COMMON: &str = "a about above actually after again against ago ahead all almost already alright also always am an and another \
    any anybody anyone anything anyway are aren't around as ask asked asking at away back basically be because been before \
    being below better between both but by bye call called calling calls came can can't cannot come coming could couldn't day \
    dear definitely did didn't different do does doesn't doing don't done down during each either else enough even ever every \
    everything exactly far few fine first for from further gave get gets getting give given go goes going gone gonna good \
    goodbye got great guess had hadn't half happen happened has hasn't have haven't having he hello help helped helping her \
    here hers herself hey hi him himself his hm hmm hold how however i i'd i'll i'm i've if in instead into is isn't it it'd \
    it'll it's its itself just keep kind know last later least less let let's like little long look looked looking looks lot \
    lots made make makes making many may maybe me mean mhm might mine minute minutes mm moment more morning most much must my \
    myself name need needed needs never new next nice no nobody none nor not nothing now of off oh ok okay on once one ones \
    only onto or other others our ours out over own particular perfect please pretty probably put quickly quite rather really \
    right said same saw say saying says see seem seems seen several shall she should shouldn't since so some somebody someone \
    something sometimes somewhere soon sorry speak speaking still stuff such suppose sure take taken takes taking talk talking \
    tell telling than thank thanks that that'll that's the their theirs them themselves then there there's these they they'd \
    they'll they're they've thing things think this those though thought through time times to today together told tomorrow \
    tonight too took toward tried try trying turn uh uhm um under understand until up upon us use used using usually very wait \
    wanna want wanted wants was wasn't way we we'd we'll we're we've well went were weren't what what's whatever when where \
    which while who whole whom whose why will with within without won't work worked working would wouldn't yeah yep yes \
    yesterday yet you you'd you'll you're you've your yours yourself zero one two three four five six seven eight nine ten \
    eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty \
    ninety hundred thousand first second third welcome happy glad apologize appreciate wonderful afternoon evening week";

static COMMON_WORDS: LazyLock<HashSet<&'static str, WordState>> =
    LazyLock::new(|| COMMON.split_whitespace().collect());

/// What is known of a phrase.
#[derive(Debug, Default)]
struct Said {
    weight: u64,
    count: u64,
    words: u64,
    turns: Vec<usize>,
}

/// Makes the section.
pub fn key_phrases(heard: &[Heard<'_>]) -> KeyPhrases {
    let mut found: HashMap<Vec<&str>, Said, WordState> = HashMap::default();
    let closing = heard.len().saturating_sub(CLOSING_TURNS);
    for (turn, said) in heard.iter().enumerate() {
        let at_the_edge = turn < OPENING_TURNS || turn >= closing;
        if said.is_by(SpeakerRole::System) || (at_the_edge && is_greeting(&said.words)) {
            continue;
        }
        let weight = if said.is_by(SpeakerRole::Customer) {
            2
        } else {
            1
        };
        candidates(&said.words, |phrase| {
            let known = found.entry(phrase).or_default();
            known.weight += weight;
            known.count += 1;
            if known.turns.len() < TURNS_MAX && known.turns.last() != Some(&turn) {
                known.turns.push(turn);
            }
        });
    }
    let turns = count(heard.len()).max(1);
    let mut ranked: Vec<(u64, Vec<&str>, Said)> = found
        .into_iter()
        .map(|(phrase, mut said)| {
            said.words = count(phrase.len());
            let first = count(said.turns.first().copied().unwrap_or(0));
            let early = 150 - 50 * first / turns;
            (said.weight * said.words * early, phrase, said)
        })
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut kept: Vec<(Vec<&str>, Said)> = Vec::with_capacity(KEPT_MAX);
    for (_, phrase, said) in ranked {
        if kept.len() == KEPT_MAX {
            break;
        }
        let is_known = kept
            .iter()
            .any(|(known, _)| is_part(&phrase, known) || is_part(known, &phrase));
        if !is_known {
            kept.push((phrase, said));
        }
    }
    let items = kept.into_iter().map(|(phrase, said)| KeyPhrase {
        text: phrase.join(" "),
        count: said.count,
        turns: said.turns,
    });
    KeyPhrases {
        method: RulesMethod::Rules,
        items: items.collect(),
    }
}

fn is_part(shorter: &[&str], longer: &[&str]) -> bool {
    longer.windows(shorter.len()).any(|part| part == shorter)
}

/// Whether the word says nothing about a conversation.
pub(super) fn is_common(word: &str) -> bool {
    COMMON_WORDS.contains(word)
}

/// Whether a turn is how calls begin or end.
pub(super) fn is_greeting(words: &[Spoken<'_>]) -> bool {
    words.windows(2).any(|pair| match pair {
        [first, second] => GREETINGS.contains(&[first.word, second.word]),
        _ => false,
    })
}

/// The runs of words that are not common.
fn candidates<'m>(words: &[Spoken<'m>], mut found: impl FnMut(Vec<&'m str>)) {
    let mut run: Vec<&str> = Vec::new();
    let mut close = |run: &mut Vec<&'m str>| {
        let single = run.len() == 1 && run.first().is_some_and(|word| word.len() < LETTERS_MIN);
        if !run.is_empty() && !single {
            found(std::mem::take(run));
        }
        run.clear();
    };
    for spoken in words {
        let is_number = spoken.word.bytes().any(|byte| byte.is_ascii_digit());
        let tells = spoken.word.len() > 1 && !is_number && !is_common(spoken.word);
        if !tells || !spoken.joins || run.len() == WORDS_MAX {
            close(&mut run);
        }
        if tells {
            run.push(spoken.word);
        }
    }
    close(&mut run);
}
