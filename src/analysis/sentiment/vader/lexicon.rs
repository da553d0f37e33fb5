//! What the rules know of each word, in one table: its value, whether it strengthens, whether it negates, and which one it
//! is where a rule asks for it by name.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use super::{Profile, Vader};

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
    /// Its value, if it is in the lexicon.
    pub(super) value: Option<f64>,
    /// What it adds to the strength of what follows.
    pub(super) boost: f64,
    /// Whether it turns round what follows.
    pub(super) negates: bool,
    /// Which one it is.
    pub(super) name: Name,
    is_service: bool,
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
        value: None,
        boost: 0.0,
        negates: false,
        name: Name::Other,
        is_service: false,
    };
}

impl Vader {
    /// The value that a word has by the profile and the account, which asks for the word in lower case.
    #[inline]
    pub(super) fn value<'w>(&self, entry: &Entry, word: impl FnOnce() -> &'w str) -> Option<f64> {
        if !self.own.is_empty()
            && let Some(value) = self.own.get(word())
        {
            return *value;
        }
        let is_left_out = entry.is_service && self.profile == Profile::Call;
        entry.value.filter(|_| !is_left_out)
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
        if let (Some(word), Some(Ok(value))) =
            (columns.next(), columns.next().map(str::parse::<f64>))
        {
            words.entry(word).or_default().value = Some(value);
        }
    }
    for (list, boost) in [(BOOSTERS, STEP), (DAMPENERS, -STEP)] {
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
