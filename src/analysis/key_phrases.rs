//! What a conversation is about, by its own words: runs of words that are not common, the more telling the more often, the
//! longer, the earlier and the more by the customer they are said. How a call begins and ends tells nothing.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
    hash::{Hash, Hasher},
};

use foldhash::fast::RandomState;

use super::{
    heard::{Heard, Spoken},
    number::count,
    words::{Traits, Written},
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

/// Words that say nothing about a conversation.
pub(super) const COMMON: &str = "a about above actually after again against ago ahead all almost already alright also always am an and another \
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

/// Words that follow each other.
#[derive(Debug, Clone, Copy)]
struct Phrase<'s>(&'s [Spoken<'s>]);

/// What is known of a phrase.
#[derive(Debug)]
struct Said<'s> {
    phrase: Phrase<'s>,
    weight: u64,
    count: u64,
    first_turn: usize,
}

/// The words that are not common, and which of them are phrases.
#[derive(Debug)]
struct Telling<'h> {
    words: Vec<Spoken<'h>>,
    runs: Vec<Run>,
    /// Where the words begin to which more may belong.
    open: usize,
}

/// A phrase as it is said: from which telling word, until which, and in which turn.
#[derive(Debug)]
struct Run {
    from: usize,
    until: usize,
    turn: usize,
}

/// The phrases that were said, and in which turns.
#[derive(Debug, Default)]
struct Found<'s> {
    places: HashMap<Phrase<'s>, usize, RandomState>,
    said: Vec<Said<'s>>,
    /// The phrase, by its place in `said`, and the turn.
    turns: Vec<(usize, usize)>,
}

/// Makes the section.
pub fn key_phrases(heard: &[Heard<'_>]) -> KeyPhrases {
    let telling = Telling::of(heard);
    let mut found = Found {
        places: HashMap::with_capacity_and_hasher(telling.runs.len(), RandomState::default()),
        said: Vec::with_capacity(telling.runs.len()),
        turns: Vec::with_capacity(telling.runs.len()),
    };
    for run in &telling.runs {
        let by_customer = heard
            .get(run.turn)
            .is_some_and(|said| said.is_by(SpeakerRole::Customer));
        let words = telling.words.get(run.from..run.until).unwrap_or_default();
        found.add(Phrase(words), run.turn, if by_customer { 2 } else { 1 });
    }
    let best = found.best(heard.len());
    let turns = found.turns_of(&best);
    let items = best.into_iter().zip(turns).map(|((_, said), turns)| {
        let words: Vec<&str> = said.phrase.words().collect();
        KeyPhrase {
            text: words.join(" "),
            count: said.count,
            turns,
        }
    });
    KeyPhrases {
        method: RulesMethod::Rules,
        items: items.collect(),
    }
}

impl<'h> Telling<'h> {
    fn of(heard: &'h [Heard<'_>]) -> Self {
        let mut telling = Self {
            words: Vec::with_capacity(heard.len() * 4),
            runs: Vec::with_capacity(heard.len() * 3),
            open: 0,
        };
        let closing = heard.len().saturating_sub(CLOSING_TURNS);
        for (turn, said) in heard.iter().enumerate() {
            let at_the_edge = turn < OPENING_TURNS || turn >= closing;
            let is_announced = said.is_by(SpeakerRole::System);
            if !is_announced && (!at_the_edge || !is_greeting(said)) {
                telling.add(said, turn);
            }
        }
        telling
    }

    /// Adds the runs of words that are not common in a turn.
    fn add(&mut self, said: &'h Heard<'_>, turn: usize) {
        said.each(|word, joins| {
            let is_common = word.known.traits.has(Traits::COMMON);
            let is_single = word.end - word.begin == 1;
            if !is_common && !is_single && !word.written.has(Written::DIGIT) {
                if !joins || self.words.len() - self.open == WORDS_MAX {
                    self.close(turn);
                }
                self.words.push(said.spoken(word));
            } else if self.open < self.words.len() {
                self.close(turn);
            }
        });
        self.close(turn);
    }

    /// Adds what is open, if it is a phrase. Not where it is called from: there it would be in the way of all the common words.
    #[inline(never)]
    fn close(&mut self, turn: usize) {
        let (from, until) = (self.open, self.words.len());
        self.open = until;
        let is_phrase = match self.words.get(from..).unwrap_or_default() {
            [] => false,
            [single] => single.bytes() >= LETTERS_MIN,
            _ => true,
        };
        if is_phrase {
            self.runs.push(Run { from, until, turn });
        }
    }
}

impl<'s> Found<'s> {
    fn add(&mut self, phrase: Phrase<'s>, turn: usize, weight: u64) {
        let place = *self.places.entry(phrase).or_insert(self.said.len());
        if let Some(said) = self.said.get_mut(place) {
            said.weight += weight;
            said.count += 1;
        } else {
            self.said.push(Said {
                phrase,
                weight,
                count: 1,
                first_turn: turn,
            });
        }
        self.turns.push((place, turn));
    }

    /// The most telling of them, none part of another, and the place of each.
    fn best(&self, turns: usize) -> Vec<(usize, &Said<'s>)> {
        let turns = count(turns).max(1);
        let ranked = self.said.iter().enumerate().map(|(place, said)| {
            let early = 150 - 50 * count(said.first_turn) / turns;
            let worth = said.weight * count(said.phrase.0.len()) * early;
            (worth, Reverse(said.phrase), place)
        });
        let mut ranked: BinaryHeap<_> = ranked.collect();
        let mut kept: Vec<(usize, &Said<'s>)> = Vec::with_capacity(KEPT_MAX);
        while kept.len() < KEPT_MAX
            && let Some((_, Reverse(phrase), place)) = ranked.pop()
        {
            let mut known = kept.iter().map(|(_, said)| said.phrase);
            let is_known = known.any(|known| phrase.is_part_of(known) || known.is_part_of(phrase));
            if let Some(said) = self.said.get(place).filter(|_| !is_known) {
                kept.push((place, said));
            }
        }
        kept
    }

    /// The first turns in which each of these is said.
    fn turns_of(&self, best: &[(usize, &Said<'_>)]) -> Vec<Vec<usize>> {
        let mut ranks = vec![None; self.said.len()];
        for (rank, (place, _)) in best.iter().enumerate() {
            if let Some(own) = ranks.get_mut(*place) {
                *own = Some(rank);
            }
        }
        let mut turns: Vec<Vec<usize>> = vec![Vec::new(); best.len()];
        for (place, turn) in &self.turns {
            let rank = ranks.get(*place).copied().flatten();
            if let Some(own) = rank.and_then(|rank| turns.get_mut(rank))
                && own.len() < TURNS_MAX
                && own.last() != Some(turn)
            {
                own.push(*turn);
            }
        }
        turns
    }
}

impl<'s> Phrase<'s> {
    fn words(self) -> impl Iterator<Item = &'s str> {
        self.0.iter().map(Spoken::word)
    }

    fn is_part_of(self, longer: Self) -> bool {
        longer
            .0
            .windows(self.0.len())
            .any(|part| Phrase(part) == self)
    }
}

impl PartialEq for Phrase<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.words().eq(other.words())
    }
}

impl Eq for Phrase<'_> {}

impl PartialOrd for Phrase<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Phrase<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.words().cmp(other.words())
    }
}

impl Hash for Phrase<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words().for_each(|word| state.write(word.as_bytes()));
    }
}

/// Whether a turn is how calls begin or end.
pub(super) fn is_greeting(said: &Heard<'_>) -> bool {
    let mut before = "";
    let mut is_one = false;
    said.each(|word, _| {
        let word = said.spoken(word).word();
        is_one |= GREETINGS.contains(&[before, word]);
        before = word;
    });
    is_one
}
