//! The words that tell what a number is, and the words that numbers are said in.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// What a number that follows is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Card,
    Cvv,
    Expiry,
    Pin,
    Ssn,
    Account,
    Routing,
    Phone,
    Iban,
    Birth,
    Address,
    Mail,
    /// An order, a reference, a version: nobody's secret.
    Business,
}

/// What a word says as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Zero to nine.
    Digit(u8),
    /// Ten to nineteen.
    Teen(u8),
    /// Twenty to ninety.
    Tens(u8),
    /// Two noughts after what was said.
    Hundred,
    /// What follows, so many times.
    Times(usize),
}

/// What a word stands for in an address that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    At,
    Dot,
    Dash,
    Underscore,
    Plus,
}

/// What the words of a text have that a detector may want.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits(u16);

impl Traits {
    const NONE: Self = Self(0);
    pub(super) const NUMBERS: Self = Self(1);
    pub(super) const AT: Self = Self(2);
    pub(super) const MIXED: Self = Self(4);
    pub(super) const BIRTH: Self = Self(8);
    pub(super) const STREET: Self = Self(16);
    pub(super) const INTRODUCES: Self = Self(32);
    pub(super) const UPPER: Self = Self(64);
    pub(super) const SPELLED: Self = Self(128);
    pub(super) const IBAN: Self = Self(256);

    pub(super) fn has(self, trait_: Self) -> bool {
        self.0 & trait_.0 != 0
    }

    pub(super) fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    fn of(known: &Known) -> Self {
        let number = known.number;
        let held = [
            (
                Self::NUMBERS,
                number.is_some_and(|said| !matches!(said, Spoken::Times(_))),
            ),
            (Self::AT, known.sign == Some(Sign::At)),
            (Self::BIRTH, known.topic == Some(Topic::Birth)),
            (Self::IBAN, known.topic == Some(Topic::Iban)),
            (Self::STREET, known.is_street),
            (Self::INTRODUCES, known.introduces),
        ];
        let mut traits = Self::NONE;
        for (one, _) in held.into_iter().filter(|(_, holds)| *holds) {
            traits.add(one);
        }
        traits
    }
}

/// What is known of a word.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) struct Known {
    pub(super) topic: Option<Topic>,
    pub(super) number: Option<Spoken>,
    pub(super) sign: Option<Sign>,
    /// First to thirty-first, as far as one word says it.
    pub(super) ordinal: Option<u8>,
    pub(super) is_month: bool,
    /// "um": said while a number goes on.
    pub(super) is_filler: bool,
    /// "mm-hm": said while the other goes on.
    pub(super) is_back_channel: bool,
    /// Counted by the number before it.
    pub(super) is_unit: bool,
    pub(super) is_street: bool,
    pub(super) is_mail_host: bool,
    pub(super) is_top_domain: bool,
    /// Says a name that follows, or came before.
    pub(super) introduces: bool,
    /// Has a topic with some words before it.
    pub(super) is_topical: bool,
    /// Too common to be anybody's name.
    pub(super) is_common: bool,
    /// What a text with the word has.
    pub(super) traits: Traits,
}

impl Default for Known {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Known {
    /// Nothing is known of the word.
    pub(in crate::analysis) const NOTHING: Self = Self {
        topic: None,
        number: None,
        sign: None,
        ordinal: None,
        is_month: false,
        is_filler: false,
        is_back_channel: false,
        is_unit: false,
        is_street: false,
        is_mail_host: false,
        is_top_domain: false,
        introduces: false,
        is_topical: false,
        is_common: false,
        traits: Traits::NONE,
    };
}

const DIGITS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ORDINALS: &str = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth \
    thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth";

const TOPICS: [(Topic, &str); 12] = [
    (
        Topic::Card,
        "card cards visa mastercard amex discover debit credit",
    ),
    (Topic::Cvv, "cvv cvc cvv2 cvc2"),
    (
        Topic::Expiry,
        "expiry expiration expires expiring expire exp",
    ),
    (Topic::Pin, "pin passcode"),
    (Topic::Ssn, "social ssn"),
    (Topic::Account, "account acct"),
    (Topic::Routing, "routing aba"),
    (
        Topic::Phone,
        "phone telephone cell cellphone mobile landline callback dial reach fax whatsapp",
    ),
    (Topic::Iban, "iban"),
    (Topic::Birth, "born birth birthday birthdate dob"),
    (
        Topic::Address,
        "address live lives living deliver ship mailing",
    ),
    (
        Topic::Business,
        "order orders reference ref tracking ticket case confirmation invoice serial model booking reservation \
         version claim policy item sku flight room extension invoices zip postcode postal upc isbn imei vin \
         quote id release build part product",
    ),
];

/// Sets what is known of a word.
type Flag = fn(&mut Known);

const FLAGS: [(Flag, &str); 11] = [
    (
        |known| known.introduces = true,
        "name name's speaking mr mrs ms dr",
    ),
    (|known| known.is_topical = true, "code me security"),
    (
        |known| known.is_month = true,
        "january february march april may june july august september october november december jan feb mar apr jun \
         jul aug sep sept oct nov dec",
    ),
    (
        |known| known.is_filler = true,
        "um uh er erm ah uhm then and so sorry wait",
    ),
    (
        |known| known.is_back_channel = true,
        "mm hm mhm hmm huh uh um yes yeah yep yup ok okay right sure got it go on ahead alright good great perfect \
         thanks thank you next and then correct please continue ah oh fine",
    ),
    (
        |known| known.is_unit = true,
        "dollar dollars cent cents euro euros pound pounds buck bucks percent minute minutes second seconds hour hours \
         day days week weeks month months year years people persons times time mile miles am pm o'clock degrees \
         kilometers items pieces points units calls thousand million billion",
    ),
    (
        |known| known.is_street = true,
        "street st avenue ave road rd boulevard blvd lane ln drive dr court ct way place pl square terrace highway \
         parkway crescent close",
    ),
    (
        |known| known.is_mail_host = true,
        "gmail googlemail yahoo ymail hotmail outlook icloud aol proton protonmail live msn gmx comcast verizon att \
         sbcglobal mac me fastmail zoho hey",
    ),
    (
        |known| known.is_top_domain = true,
        "com net org edu gov io co uk de fr us info biz ca au eu nl es it ch at be pl br in ie se no dk fi jp cn ai app \
         dev me tv nz za mx",
    ),
    (
        |known| known.is_common = true,
        "a an the this that these those i i'm you you're he she it it's its we they them us my your his her our their \
         is am are was were be been being do does did have has had will would can could should may might must shall \
         not no yes of in on for from with by about to as if or and but so than then there here where when what which \
         who how why just also only very really more most some any all each every other new now today tomorrow looking \
         calling trying going spelled spelling listed under actually um uh look looked shop buy bought visit find \
         found check order ordered available online website page site mail arrive arrived meet see",
    ),
    (
        |known| known.is_common = true,
        "email call called contact write send sent works working located based stay open office desk one well",
    ),
];

/// Every word of which something is known, in lower case.
pub(in crate::analysis) fn words() -> impl Iterator<Item = (&'static str, Known)> {
    let mut known: HashMap<&'static str, Known, FixedState> = HashMap::default();
    let mut number = |word, number| known.entry(word).or_default().number = Some(number);
    for (value, word) in (0..).zip(DIGITS) {
        number(word, Spoken::Digit(value));
    }
    for word in ["oh", "o", "nought", "naught"] {
        number(word, Spoken::Digit(0));
    }
    for (value, word) in (10..).zip(TEENS) {
        number(word, Spoken::Teen(value));
    }
    for (tens, word) in (2..).zip(TENS) {
        number(word, Spoken::Tens(tens * 10));
    }
    number("hundred", Spoken::Hundred);
    for (times, word) in [
        (2, "double"),
        (3, "triple"),
        (3, "treble"),
        (4, "quadruple"),
    ] {
        number(word, Spoken::Times(times));
    }
    for (value, word) in (0..).zip(ORDINALS.split_whitespace()) {
        known.entry(word).or_default().ordinal = Some(value);
    }
    known.entry("thirtieth").or_default().ordinal = Some(30);
    for (sign, words) in [
        (Sign::At, "at"),
        (Sign::Dot, "dot period point"),
        (Sign::Dash, "dash hyphen minus"),
        (Sign::Underscore, "underscore"),
        (Sign::Plus, "plus"),
    ] {
        for word in words.split(' ') {
            known.entry(word).or_default().sign = Some(sign);
        }
    }
    for (topic, words) in TOPICS {
        for word in words.split_whitespace() {
            known.entry(word).or_default().topic = Some(topic);
        }
    }
    for (flag, words) in FLAGS {
        for word in words.split_whitespace() {
            flag(known.entry(word).or_default());
        }
    }
    known.into_iter().map(|(word, known)| {
        let traits = Traits::of(&known);
        (word, Known { traits, ..known })
    })
}
