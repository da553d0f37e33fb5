//! What the rules know of each word, in one table: its value, whether it strengthens, whether it negates, and which one it
//! is where a rule asks for it by name.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use super::{Profile, Vader};
use crate::analysis::words::Traits;

const LEXICON: &str = include_str!("data/vader_lexicon.txt");
const EMOJIS: &str = include_str!("data/emoji_utf8_lexicon.txt");

/// What a booster adds and a dampener takes.
pub(super) const STEP: f64 = 0.293;

/// Words without a value in calls, where they are politeness and business: `call-en-1`, chosen by reading service talk. On two
/// public sets of dialogues they bring the neutral customer turns that are called positive from 51 and 53 % to 16 and 18 %.
pub const SERVICE_WORDS: &str = "\
    no yes help helping please like sure care want interest interested number free play fine okay ok ha \
    chance party top share shares save lowest pay credit energy security secure safe debt alert charged \
    cut demand low lower lost cancel cancelled cancelling emergency stop stopped block blocked hard \
    limited hell kind true well matter matters recommend recommended values value certain certainly \
    certainty welcome greeting greetings dear";

/// They strengthen what follows.
const BOOSTERS: &str = "\
    absolutely amazingly awfully completely considerable considerably decidedly deeply effing enormous \
    enormously entirely especially exceptional exceptionally extreme extremely fabulously flippin \
    flipping frackin fracking frickin fricking friggin frigging fuckin fucking fuggin fugging fully \
    greatly hella highly hugely incredible incredibly intensely major majorly more most particularly \
    purely quite really remarkably so substantially thoroughly total totally tremendous tremendously \
    uber unbelievably unusually utter utterly very";

/// They weaken it. `just enough`, `kind of` and `sort of` are in the rules.
const DAMPENERS: &str = "\
    almost barely hardly kind-of kinda kindof less little marginal marginally occasional occasionally \
    partly scarce scarcely slight slightly somewhat sort-of sorta sortof";

/// They turn it round, as does every word with `n't`.
const NEGATIONS: &str = "\
    aint arent cannot cant couldnt darent didnt doesnt ain't aren't can't couldn't daren't didn't \
    doesn't dont hadnt hasnt havent isnt mightnt mustnt neither don't hadn't hasn't haven't isn't \
    mightn't mustn't neednt needn't never none nope nor not nothing nowhere oughtnt shant shouldnt uhuh \
    wasnt werent oughtn't shan't shouldn't uh-uh wasn't weren't without wont wouldnt won't wouldn't \
    rarely seldom despite";

/// A word that a rule asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    No,
    Or,
    Nor,
    Kind,
    Of,
    So,
    This,
    Never,
    Without,
    Doubt,
    Least,
    At,
    Very,
    But,
    The,
    Shit,
    Bomb,
    Bad,
    Ass,
    Bus,
    Stop,
    Yeah,
    Right,
    Kiss,
    Death,
    To,
    Die,
    For,
    Beating,
    Heart,
    Just,
    Enough,
    Sort,
    Other,
}

const NAMES: [(&str, Name); 33] = [
    ("no", Name::No),
    ("or", Name::Or),
    ("nor", Name::Nor),
    ("kind", Name::Kind),
    ("of", Name::Of),
    ("so", Name::So),
    ("this", Name::This),
    ("never", Name::Never),
    ("without", Name::Without),
    ("doubt", Name::Doubt),
    ("least", Name::Least),
    ("at", Name::At),
    ("very", Name::Very),
    ("but", Name::But),
    ("the", Name::The),
    ("shit", Name::Shit),
    ("bomb", Name::Bomb),
    ("bad", Name::Bad),
    ("ass", Name::Ass),
    ("bus", Name::Bus),
    ("stop", Name::Stop),
    ("yeah", Name::Yeah),
    ("right", Name::Right),
    ("kiss", Name::Kiss),
    ("death", Name::Death),
    ("to", Name::To),
    ("die", Name::Die),
    ("for", Name::For),
    ("beating", Name::Beating),
    ("heart", Name::Heart),
    ("just", Name::Just),
    ("enough", Name::Enough),
    ("sort", Name::Sort),
];

/// What is known of a word.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) struct Entry {
    /// Its value in tenths: the lexicon has one digit after the point, and no zeros. 0 if it is not in there.
    tenths: i8,
    /// What it does to the strength of what follows.
    pub(super) boost: Boost,
    /// Whether it turns round what follows.
    pub(super) negates: bool,
    /// Which one it is.
    pub(super) name: Name,
    is_service: bool,
}

/// What a word does to the strength of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boost {
    Nothing,
    Strengthens,
    Weakens,
}

static DESCRIPTIONS: LazyLock<HashMap<char, &'static str, FixedState>> =
    LazyLock::new(descriptions);

impl Default for Entry {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Entry {
    /// Nothing is known of the word.
    pub(in crate::analysis) const NOTHING: Self = Self {
        tenths: 0,
        boost: Boost::Nothing,
        negates: false,
        name: Name::Other,
        is_service: false,
    };

    /// What a text has that has the word.
    pub(in crate::analysis) fn traits(self) -> Traits {
        match (self.tenths, self.is_service) {
            (0, _) => Traits::NONE,
            (_, false) => Traits::VALUED,
            (_, true) => Traits::SERVICE,
        }
    }
}

impl Boost {
    /// What it adds to the value of what follows.
    pub(super) fn step(self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Strengthens => STEP,
            Self::Weakens => -STEP,
        }
    }
}

impl Vader {
    /// The value that a word has by the profile and the account, which asks for the word in lower case.
    #[inline]
    pub(super) fn value<'w>(&self, entry: Entry, word: impl FnOnce() -> &'w str) -> Option<f64> {
        if !self.own.is_empty()
            && let Some(value) = self.own.get(word())
        {
            return *value;
        }
        let is_left_out = entry.is_service && self.profile == Profile::Call;
        (entry.tenths != 0 && !is_left_out).then(|| f64::from(entry.tenths) / 10.0)
    }

    /// What texts have that have words with a value by the profile, if the account has no words of its own.
    pub(super) fn valued(&self) -> Option<Traits> {
        let of_profile = match self.profile {
            Profile::Plain => Traits::VALUED.and(Traits::SERVICE),
            Profile::Call => Traits::VALUED,
        };
        self.own.is_empty().then_some(of_profile)
    }
}

/// What an emoji says in words.
pub(super) fn description(emoji: char) -> Option<&'static str> {
    DESCRIPTIONS.get(&emoji).copied()
}

/// Every word of which something is known, in lower case.
pub(in crate::analysis) fn words() -> impl Iterator<Item = (&'static str, Entry)> {
    let mut words: HashMap<&'static str, Entry, FixedState> = HashMap::default();
    for line in LEXICON.lines() {
        let mut columns = line.trim().split('\t');
        let tenths = |value: &str| value.replace('.', "").parse();
        if let (Some(word), Some(Ok(tenths))) = (columns.next(), columns.next().map(tenths)) {
            words.entry(word).or_default().tenths = tenths;
        }
    }
    for (list, boost) in [(BOOSTERS, Boost::Strengthens), (DAMPENERS, Boost::Weakens)] {
        for word in list.split(' ') {
            words.entry(word).or_default().boost = boost;
        }
    }
    for word in NEGATIONS.split(' ') {
        words.entry(word).or_default().negates = true;
    }
    for word in SERVICE_WORDS.split(' ') {
        words.entry(word).or_default().is_service = true;
    }
    for (word, name) in NAMES {
        words.entry(word).or_default().name = name;
    }
    words.into_iter()
}

/// Only single characters: Python looks at one at a time, and so never finds the longer ones.
fn descriptions() -> HashMap<char, &'static str, FixedState> {
    let mut found = HashMap::default();
    for line in EMOJIS.lines() {
        let mut columns = line.trim().split('\t');
        if let (Some(emoji), Some(description)) = (columns.next(), columns.next()) {
            let mut characters = emoji.chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                found.insert(character, description);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::{Entry, LEXICON, Profile, Vader, words};

    #[test]
    fn every_value_is_the_lexicons() {
        let plain = Vader::new(Profile::Plain, [].into());
        let words: HashMap<&str, Entry> = words().collect();
        // Some words are in there twice: Python, too, takes the last value.
        let mut values: BTreeMap<&str, f64> = BTreeMap::new();
        for line in LEXICON.lines() {
            let mut columns = line.trim().split('\t');
            let word = columns.next().unwrap();
            values.insert(word, columns.next().unwrap().parse().unwrap());
        }
        assert!(values.len() > 7_000, "{}", values.len());
        for (word, value) in values {
            let found = plain.value(words[word], || word).unwrap();
            assert_eq!(found.to_bits(), value.to_bits(), "{word}");
        }
    }
}
