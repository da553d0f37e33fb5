//! The words that tell what a number is, and the words that numbers are said in.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::analysis::words::Traits;

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
    Times(u8),
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

/// Kinds that a word is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u16);

impl Kinds {
    const NONE: Self = Self(0);
    /// A month.
    pub(super) const MONTH: Self = Self(1);
    /// "um": said while a number goes on.
    pub(super) const FILLER: Self = Self(1 << 1);
    /// "mm-hm": said while the other goes on.
    pub(super) const BACK_CHANNEL: Self = Self(1 << 2);
    /// Counted by the number before it.
    pub(super) const UNIT: Self = Self(1 << 3);
    /// A kind of street.
    pub(super) const STREET: Self = Self(1 << 4);
    /// Has mail of everybody.
    pub(super) const MAIL_HOST: Self = Self(1 << 5);
    /// The end of a domain.
    pub(super) const TOP_DOMAIN: Self = Self(1 << 6);
    /// Says a name that follows, or came before.
    pub(super) const INTRODUCES: Self = Self(1 << 7);
    /// Has a topic with some words before it.
    pub(super) const TOPICAL: Self = Self(1 << 8);
    /// Too common to be anybody's name.
    pub(super) const COMMON: Self = Self(1 << 9);
    /// First to thirty-first, as far as one word says it.
    pub(super) const ORDINAL: Self = Self(1 << 10);
    /// Those before the tenth.
    pub(super) const ORDINAL_BELOW_TEN: Self = Self(1 << 11);
}

/// What is known of a word.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) struct Known {
    pub(super) topic: Option<Topic>,
    pub(super) number: Option<Spoken>,
    pub(super) sign: Option<Sign>,
    kinds: Kinds,
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
        kinds: Kinds::NONE,
    };

    /// Whether the word is of one of these kinds.
    pub(super) fn is(self, any: Kinds) -> bool {
        self.kinds.0 & any.0 != 0
    }

    fn add(&mut self, kinds: Kinds) {
        self.kinds.0 |= kinds.0;
    }

    /// What a text has that has the word.
    pub(in crate::analysis) fn traits(self) -> Traits {
        let says_number = match self.number {
            Some(Spoken::Times(_)) | None => false,
            Some(_) => true,
        };
        let held = [
            (Traits::NUMBER, says_number),
            (Traits::AT, self.sign == Some(Sign::At)),
            (Traits::BIRTH, self.topic == Some(Topic::Birth)),
            (Traits::IBAN, self.topic == Some(Topic::Iban)),
            (
                Traits::TOPIC,
                self.topic.is_some() || self.is(Kinds::TOPICAL),
            ),
            (Traits::STREET, self.is(Kinds::STREET)),
            (Traits::INTRODUCES, self.is(Kinds::INTRODUCES)),
        ];
        let held = held.map(|(one, holds)| one.only_if(holds));
        held.into_iter().fold(Traits::NONE, Traits::and)
    }
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

const KINDS: [(Kinds, &str); 14] = [
    (Kinds::INTRODUCES, "name name's speaking mr mrs ms dr"),
    (Kinds::TOPICAL, "code me security"),
    (
        Kinds::MONTH,
        "january february march april may june july august september october november december jan feb mar apr jun \
         jul aug sep sept oct nov dec",
    ),
    (Kinds::FILLER, "um uh er erm ah uhm then and so sorry wait"),
    (
        Kinds::BACK_CHANNEL,
        "mm hm mhm hmm huh uh um yes yeah yep yup ok okay right sure got it go on ahead alright good great perfect \
         thanks thank you next and then correct please continue ah oh fine",
    ),
    (
        Kinds::UNIT,
        "dollar dollars cent cents euro euros pound pounds buck bucks percent minute minutes second seconds hour hours \
         day days week weeks month months year years people persons times time mile miles am pm o'clock degrees \
         kilometers items pieces points units calls thousand million billion",
    ),
    (
        Kinds::STREET,
        "street st avenue ave road rd boulevard blvd lane ln drive dr court ct way place pl square terrace highway \
         parkway crescent close",
    ),
    (
        Kinds::MAIL_HOST,
        "gmail googlemail yahoo ymail hotmail outlook icloud aol proton protonmail live msn gmx comcast verizon att \
         sbcglobal mac me fastmail zoho hey",
    ),
    (
        Kinds::TOP_DOMAIN,
        "com net org edu gov io co uk de fr us info biz ca au eu nl es it ch at be pl br in ie se no dk fi jp cn ai app \
         dev me tv nz za mx",
    ),
    (
        Kinds::COMMON,
        "a an the this that these those i i'm you you're he she it it's its we they them us my your his her our their \
         is am are was were be been being do does did have has had will would can could should may might must shall \
         not no yes of in on for from with by about to as if or and but so than then there here where when what which \
         who how why just also only very really more most some any all each every other new now today tomorrow looking \
         calling trying going spelled spelling listed under actually um uh look looked shop buy bought visit find \
         found check order ordered available online website page site mail arrive arrived meet see",
    ),
    (
        Kinds::ORDINAL_BELOW_TEN,
        "zeroth first second third fourth fifth sixth seventh eighth ninth",
    ),
    (
        Kinds::ORDINAL,
        "zeroth first second third fourth fifth sixth seventh eighth ninth",
    ),
    (
        Kinds::ORDINAL,
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth \
         thirtieth",
    ),
    (
        Kinds::COMMON,
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
    for (kinds, words) in KINDS {
        for word in words.split_whitespace() {
            known.entry(word).or_default().add(kinds);
        }
    }
    known.into_iter()
}
