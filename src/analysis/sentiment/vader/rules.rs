//! The rules of `vaderSentiment.py`, in its order. Where a condition looks odd, it is Python's: its `and` binds tighter than its
//! `or`, it looks for a value with `list.index` and so finds the first that is equal, and its `sum` is compensated.

use std::borrow::Cow;

use super::{
    Scores, Vader,
    lexicon::{Boost, Name, STEP},
    text::{Token, prepared},
};
use crate::analysis::{
    number::{count, float, rounded},
    words::{Seen, Spaces, Split, Words},
};

/// What capitals among small letters add.
const CAPITALS: f64 = 0.733;
/// What a negation makes of a value.
const NEGATED: f64 = -0.74;
/// What "never so" makes of it.
const NEVER_SO: f64 = 1.25;
/// What is left of a booster two and three words away.
const FURTHER: f64 = 0.95;
const FURTHEST: f64 = 0.9;
/// What "but" makes of what stands before and after it.
const BEFORE_BUT: f64 = 0.5;
const AFTER_BUT: f64 = 1.5;
/// What an exclamation mark adds, four at most; a question mark of several; many of them.
const EXCLAMATION: f64 = 0.292;
const QUESTION: f64 = 0.18;
const QUESTIONS: f64 = 0.96;
/// How fast the sum of values comes near 1.
const ALPHA: f64 = 15.0;

/// Idioms that have a value as a whole. Python writes some of the values as whole numbers, which its `sum` adds in another way.
const IDIOMS: [(&[Name], f64, bool); 8] = [
    (&[Name::The, Name::Shit], 3.0, true),
    (&[Name::The, Name::Bomb], 3.0, true),
    (&[Name::Bad, Name::Ass], 1.5, false),
    (&[Name::Bus, Name::Stop], 0.0, false),
    (&[Name::Yeah, Name::Right], -2.0, true),
    (&[Name::Kiss, Name::Of, Name::Death], -1.5, false),
    (&[Name::To, Name::Die, Name::For], 3.0, true),
    (&[Name::Beating, Name::Heart], 3.5, false),
];

/// Dampeners of two words.
const DAMPENERS: [[Name; 2]; 3] = [
    [Name::Just, Name::Enough],
    [Name::Kind, Name::Of],
    [Name::Sort, Name::Of],
];

/// A word's value; Python has it as a whole number until some arithmetic is done with it.
#[derive(Debug, Clone, Copy)]
struct Value {
    value: f64,
    is_whole: bool,
}

const NOTHING: Value = Value {
    value: 0.0,
    is_whole: true,
};

/// The rules, and room for the words of one text after the other.
#[derive(Debug)]
pub(super) struct Rules<'v> {
    vader: &'v Vader,
    tokens: Vec<Token>,
    values: Vec<Value>,
}

impl<'v> Rules<'v> {
    pub(super) fn new(vader: &'v Vader) -> Self {
        Self {
            vader,
            tokens: Vec::new(),
            values: Vec::new(),
        }
    }

    /// All four scores of a text that was prepared.
    pub(super) fn scores(&mut self, said: Words<'_>) -> Scores {
        self.read(said);
        self.judge();
        let (mut positive, mut negative, mut neutral) = (0.0, 0.0, 0.0);
        for Value { value, .. } in &self.values {
            if *value > 0.0 {
                positive += value + 1.0;
            } else if *value < 0.0 {
                negative += value - 1.0;
            } else {
                neutral += 1.0;
            }
        }
        let emphasis = emphasis(said.seen);
        if positive > -negative {
            positive += emphasis;
        } else if positive < -negative {
            negative -= emphasis;
        }
        let total: f64 = positive - negative + neutral;
        let part = |of: f64| {
            if total > 0.0 {
                rounded((of / total).abs(), 3)
            } else {
                0.0
            }
        };
        Scores {
            negative: part(negative),
            neutral: part(neutral),
            positive: part(positive),
            compound: normal(&self.values, emphasis),
        }
    }

    /// The compound score of a text.
    pub(super) fn compound(&mut self, said: Words<'_>) -> f64 {
        if said.seen.spaces == Spaces::Plain {
            return self.compound_of_prepared(said);
        }
        match prepared(said.text) {
            Cow::Borrowed(_) => self.compound_of_prepared(said),
            Cow::Owned(plain) => {
                let split = Split::of(std::iter::once(plain.as_str()));
                let compound = split.texts().next();
                compound.map_or(0.0, |said| self.compound_of_prepared(said))
            }
        }
    }

    fn compound_of_prepared(&mut self, said: Words<'_>) -> f64 {
        // Most texts have no word with a value.
        let valued = self.vader.valued();
        let may_be_toned = valued.is_none_or(|valued| said.seen.traits.has(valued));
        if !may_be_toned && said.seen.spaces == Spaces::Plain {
            return 0.0;
        }
        self.read(said);
        if self.tokens.iter().all(|token| token.value.is_none()) {
            return 0.0;
        }
        self.judge();
        normal(&self.values, emphasis(said.seen))
    }

    /// Puts down the words of a text.
    fn read(&mut self, said: Words<'_>) {
        let parts = said.parts();
        self.tokens.clear();
        self.tokens
            .extend(parts.map(|part| Token::of(self.vader, said, part)));
    }

    /// Puts down the value of each word.
    fn judge(&mut self) {
        let tokens = &self.tokens;
        let capitals =
            tokens.iter().any(|token| token.is_upper) && tokens.iter().any(|token| !token.is_upper);
        let valued = tokens.iter().enumerate().map(|(at, token)| {
            let Some(value) = token.value else {
                return NOTHING;
            };
            let is_kind_of =
                token.entry.name == Name::Kind && named(tokens, at + 1) == Some(Name::Of);
            if token.entry.boost != Boost::Nothing || is_kind_of {
                return NOTHING;
            }
            let window = Window::new(tokens, at, capitals);
            window.value(token, value)
        });
        self.values.clear();
        self.values.extend(valued);
        let mut names = tokens.iter().map(|token| token.entry.name);
        if let Some(but) = names.position(|name| name == Name::But) {
            weigh(&mut self.values, but);
        }
    }
}

fn normal(values: &[Value], emphasis: f64) -> f64 {
    let mut sum = sum(values);
    if sum > 0.0 {
        sum += emphasis;
    } else if sum < 0.0 {
        sum -= emphasis;
    }
    let compound = sum / (sum * sum + ALPHA).sqrt();
    rounded(compound.clamp(-1.0, 1.0), 4)
}

fn named(tokens: &[Token], at: usize) -> Option<Name> {
    tokens.get(at).map(|token| token.entry.name)
}

/// A word with a value, and what stands around it.
struct Window<'t> {
    tokens: &'t [Token],
    at: usize,
    /// The one before, the one before that, and so on.
    before: [Option<&'t Token>; 3],
    capitals: bool,
}

impl<'t> Window<'t> {
    fn new(tokens: &'t [Token], at: usize, capitals: bool) -> Self {
        let back = |steps: usize| at.checked_sub(steps).and_then(|at| tokens.get(at));
        Self {
            tokens,
            at,
            before: [back(1), back(2), back(3)],
            capitals,
        }
    }

    fn value(&self, token: &Token, lexicon: f64) -> Value {
        let [first, second, third] = self.before;
        let is = |token: Option<&Token>, name| token.is_some_and(|t| t.entry.name == name);
        let mut value = lexicon;
        let next = self.tokens.get(self.at + 1);
        if token.entry.name == Name::No && next.is_some_and(|t| t.value.is_some()) {
            value = 0.0;
        }
        let joined = is(first, Name::Or) || is(first, Name::Nor);
        if is(first, Name::No) || is(second, Name::No) || (is(third, Name::No) && joined) {
            value = lexicon * NEGATED;
        }
        if token.is_upper && self.capitals {
            value += if value > 0.0 { CAPITALS } else { -CAPITALS };
        }
        let unvalued = |token: Option<&'t Token>| token.filter(|t| t.value.is_none());
        let mut is_whole = false;
        if let Some(one) = unvalued(first) {
            value += self.boost(one, value, 1.0);
            if one.negates {
                value *= NEGATED;
            }
        }
        if let (Some(one), Some(two)) = (first, unvalued(second)) {
            value += self.boost(two, value, FURTHER);
            value = negated_by_second(value, one.entry.name, two);
        }
        if let (Some(one), Some(two), Some(three)) = (first, second, unvalued(third)) {
            value += self.boost(three, value, FURTHEST);
            value = negated_by_third(value, (one.entry.name, two.entry.name), three);
            (value, is_whole) = self.idiom(value);
        }
        self.least(Value { value, is_whole })
    }

    /// What a word before adds: in the direction of the value, more in capitals, less from far away.
    fn boost(&self, word: &Token, value: f64, nearness: f64) -> f64 {
        if word.entry.boost == Boost::Nothing {
            return 0.0;
        }
        let mut boost = word.entry.boost.step();
        if value < 0.0 {
            boost = -boost;
        }
        if word.is_upper && self.capitals {
            boost += if value > 0.0 { CAPITALS } else { -CAPITALS };
        }
        boost * nearness
    }

    /// The value of an idiom around the word instead of its own, and whether Python has it as a whole number.
    fn idiom(&self, value: f64) -> (f64, bool) {
        let (mut value, mut is_whole) = (value, false);
        let find = |back: usize, length: usize| {
            let from = self.at.checked_sub(back)?;
            let words = self.tokens.get(from..from.checked_add(length)?)?;
            IDIOMS.iter().find(|(idiom, ..)| {
                idiom.len() == length
                    && idiom
                        .iter()
                        .zip(words)
                        .all(|(name, word)| *name == word.entry.name)
            })
        };
        let behind = [(1, 2), (2, 3), (2, 2), (3, 3), (3, 2)];
        let behind = behind
            .into_iter()
            .find_map(|(back, length)| find(back, length));
        for (_, of_idiom, whole) in [behind, find(0, 2), find(0, 3)].into_iter().flatten() {
            (value, is_whole) = (*of_idiom, *whole);
        }
        let [first, second, third] = self.before.map(|token| token.map(|t| t.entry.name));
        for pair in [[third, second], [second, first]] {
            if DAMPENERS.iter().any(|dampener| dampener.map(Some) == pair) {
                (value, is_whole) = (value - STEP, false);
            }
        }
        (value, is_whole)
    }

    fn least(&self, value: Value) -> Value {
        let [first, second, _] = self.before;
        let is_least = first.is_some_and(|t| t.entry.name == Name::Least && t.value.is_none());
        let at_least = second.is_some_and(|t| matches!(t.entry.name, Name::At | Name::Very));
        if is_least && !at_least {
            return Value {
                value: value.value * NEGATED,
                is_whole: false,
            };
        }
        value
    }
}

fn negated_by_second(value: f64, one: Name, two: &Token) -> f64 {
    match (two.entry.name, one) {
        (Name::Never, Name::So | Name::This) => value * NEVER_SO,
        (Name::Without, Name::Doubt) => value,
        _ if two.negates => value * NEGATED,
        _ => value,
    }
}

fn negated_by_third(value: f64, (one, two): (Name, Name), three: &Token) -> f64 {
    let so = |name| matches!(name, Name::So | Name::This);
    if (three.entry.name == Name::Never && so(two)) || so(one) {
        value * NEVER_SO
    } else if three.entry.name == Name::Without && (two == Name::Doubt || one == Name::Doubt) {
        value
    } else if three.negates {
        value * NEGATED
    } else {
        value
    }
}

/// "but": what stands before it counts half, what stands after it one and a half times. Python changes the first value that is
/// equal to the one it looks at, which may be another word's.
fn weigh(values: &mut [Value], but: usize) {
    for at in 0..values.len() {
        let Some(value) = values.get(at).map(|value| value.value) else {
            continue;
        };
        let Some((first, changed)) = values
            .iter_mut()
            .enumerate()
            .find(|(_, other)| equal(other.value, value))
        else {
            continue;
        };
        let weight = match first.cmp(&but) {
            std::cmp::Ordering::Less => BEFORE_BUT,
            std::cmp::Ordering::Greater => AFTER_BUT,
            std::cmp::Ordering::Equal => continue,
        };
        *changed = Value {
            value: value * weight,
            is_whole: false,
        };
    }
}

/// Numbers that Python's `==` takes for equal, the two zeros among them.
fn equal(one: f64, other: f64) -> bool {
    one.partial_cmp(&other) == Some(std::cmp::Ordering::Equal)
}

/// `sum` of Python 3.12: whole numbers first, exactly; then with the lost bits kept.
fn sum(values: &[Value]) -> f64 {
    let whole = values.iter().take_while(|value| value.is_whole);
    let start: f64 = whole.clone().map(|value| value.value).sum();
    let mut rest = values.iter().skip(whole.count()).map(|value| value.value);
    let Some(first) = rest.next() else {
        return start;
    };
    let (mut total, mut lost) = (start + first, 0.0);
    for value in rest {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    total + lost
}

/// What the punctuation adds.
fn emphasis(seen: Seen) -> f64 {
    let exclamation = float(count(seen.exclamations.min(4))) * EXCLAMATION;
    let questions = match seen.questions {
        0 | 1 => 0.0,
        few @ (2 | 3) => float(count(few)) * QUESTION,
        _ => QUESTIONS,
    };
    exclamation + questions
}
