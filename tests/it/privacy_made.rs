//! Personal data made up from a seed, in the forms in which it is written and said.

use onhook::domain::analysis::privacy::EntityType;

/// A text, and what in it has to be found.
pub(crate) struct Made {
    pub(crate) form: &'static str,
    pub(crate) text: String,
    pub(crate) value: String,
    pub(crate) entity: EntityType,
}

const PER_FORM: usize = 60;
const WORDS: [&str; 10] = [
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
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// What stands before a value, and the value.
type Make = fn(&mut fastrand::Rng) -> (String, String);

/// The same set for the same seed.
pub(crate) fn set(seed: u64) -> Vec<Made> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let forms: [(&'static str, EntityType, Make); 15] = [
        ("card written", EntityType::CreditDebitNumber, card_written),
        ("card spoken", EntityType::CreditDebitNumber, card_spoken),
        ("card in pairs", EntityType::CreditDebitNumber, card_pairs),
        ("phone written", EntityType::Phone, phone_written),
        ("phone spoken", EntityType::Phone, phone_spoken),
        ("ssn written", EntityType::Ssn, ssn_written),
        ("ssn spoken", EntityType::Ssn, ssn_spoken),
        ("email written", EntityType::Email, email_written),
        ("email spoken", EntityType::Email, email_spoken),
        ("cvv", EntityType::CreditDebitCvv, cvv),
        ("pin", EntityType::Pin, pin),
        ("account", EntityType::BankAccountNumber, account),
        ("iban", EntityType::InternationalBankAccountNumber, iban),
        ("date of birth", EntityType::DateOfBirth, birth),
        ("expiry", EntityType::CreditDebitExpiry, expiry),
    ];
    let mut made = Vec::new();
    for (form, entity, make) in forms {
        for _ in 0..PER_FORM {
            let (before, value) = make(&mut rng);
            let after = *pick(&mut rng, &["", ".", ", thanks", " please", ", got it?"]);
            let text = format!("{before} {value}{after}");
            made.push(Made {
                form,
                text,
                value,
                entity,
            });
        }
    }
    made
}

fn pick<'t, T>(rng: &mut fastrand::Rng, of: &'t [T]) -> &'t T {
    &of[rng.usize(0..of.len())]
}

fn digits(rng: &mut fastrand::Rng, count: usize) -> Vec<u8> {
    (0..count).map(|_| rng.u8(0..10)).collect()
}

fn text(digits: &[u8]) -> String {
    digits
        .iter()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

/// In groups of these lengths.
fn grouped(digits: &[u8], lengths: &[usize], between: &str) -> String {
    let mut rest = digits;
    let mut groups = Vec::new();
    for length in lengths {
        let (group, after) = rest.split_at(*length);
        groups.push(text(group));
        rest = after;
    }
    groups.join(between)
}

/// Digit by digit, now and then "oh", "double", "triple" and a pause.
fn spoken(rng: &mut fastrand::Rng, digits: &[u8]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut at = 0;
    while at < digits.len() {
        let digit = digits[at];
        let same = digits[at..]
            .iter()
            .take_while(|other| **other == digit)
            .count();
        let word = if digit == 0 && rng.bool() {
            "oh"
        } else {
            WORDS[usize::from(digit)]
        };
        let pause = if at % 4 == 3 && rng.u8(0..4) == 0 {
            ","
        } else {
            ""
        };
        if same >= 3 && rng.u8(0..3) == 0 {
            words.push(format!("triple {word}{pause}"));
            at += 3;
        } else if same >= 2 && rng.bool() {
            words.push(format!("double {word}{pause}"));
            at += 2;
        } else {
            words.push(format!("{word}{pause}"));
            at += 1;
        }
    }
    words.join(" ").trim_end_matches(',').to_owned()
}

/// Two digits at a time: "forty one eleven oh five".
fn pairs(digits: &[u8]) -> String {
    let words: Vec<String> = digits
        .chunks(2)
        .map(|pair| match pair {
            [0, unit] => format!("oh {}", WORDS[usize::from(*unit)]),
            [1, unit] => TEENS[usize::from(*unit)].to_owned(),
            [tens, 0] => TENS[usize::from(*tens)].to_owned(),
            [tens, unit] => format!("{} {}", TENS[usize::from(*tens)], WORDS[usize::from(*unit)]),
            _ => unreachable!("cards have an even number of digits here"),
        })
        .collect();
    words.join(" ")
}

fn card(rng: &mut fastrand::Rng) -> Vec<u8> {
    let (start, length): (&[u8], usize) = *pick(
        rng,
        &[
            (&[4][..], 16),
            (&[5, 3], 16),
            (&[2, 3, 4], 16),
            (&[6, 0, 1, 1], 16),
        ],
    );
    with_check(rng, start, length)
}

fn with_check(rng: &mut fastrand::Rng, start: &[u8], length: usize) -> Vec<u8> {
    let mut digits = start.to_vec();
    while digits.len() < length - 1 {
        digits.push(rng.u8(0..10));
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let twice = u32::from(*digit) * 2;
            if at % 2 == 1 {
                u32::from(*digit)
            } else {
                twice / 10 + twice % 10
            }
        })
        .sum();
    digits.push(u8::try_from((10 - sum % 10) % 10).unwrap());
    digits
}

const CARD_LINES: [&str; 4] = [
    "my card number is",
    "it's",
    "sure, the number on the card is",
    "okay so the visa is",
];

fn card_written(rng: &mut fastrand::Rng) -> (String, String) {
    let before = (*pick(rng, &CARD_LINES)).to_owned();
    if rng.u8(0..4) == 0 {
        let amex = with_check(rng, &[3, 7], 15);
        return (before, grouped(&amex, &[4, 6, 5], " "));
    }
    let card = card(rng);
    let between = *pick(rng, &["", " ", "-"]);
    (before, grouped(&card, &[4, 4, 4, 4], between))
}

fn card_spoken(rng: &mut fastrand::Rng) -> (String, String) {
    let card = card(rng);
    ((*pick(rng, &CARD_LINES)).to_owned(), spoken(rng, &card))
}

fn card_pairs(rng: &mut fastrand::Rng) -> (String, String) {
    let card = card(rng);
    ((*pick(rng, &CARD_LINES)).to_owned(), pairs(&card))
}

fn phone(rng: &mut fastrand::Rng) -> Vec<u8> {
    let code = |rng: &mut fastrand::Rng| [rng.u8(2..10), rng.u8(2..10), rng.u8(0..10)];
    let mut phone = code(rng).to_vec();
    phone.extend(code(rng));
    phone.extend(digits(rng, 4));
    phone
}

const PHONE_LINES: [&str; 4] = [
    "my number is",
    "you can reach me at",
    "call me back on",
    "the best phone number is",
];

fn phone_written(rng: &mut fastrand::Rng) -> (String, String) {
    let phone = phone(rng);
    let (a, b, c) = (text(&phone[..3]), text(&phone[3..6]), text(&phone[6..]));
    let value = match rng.u8(0..6) {
        0 => format!("{a}-{b}-{c}"),
        1 => format!("({a}) {b}-{c}"),
        2 => format!("{a}.{b}.{c}"),
        3 => format!("{a}{b}{c}"),
        4 => format!("+1 {a} {b} {c}"),
        _ => format!("+44 20 {} {}", text(&phone[2..6]), c),
    };
    ((*pick(rng, &PHONE_LINES)).to_owned(), value)
}

fn phone_spoken(rng: &mut fastrand::Rng) -> (String, String) {
    let phone = phone(rng);
    ((*pick(rng, &PHONE_LINES)).to_owned(), spoken(rng, &phone))
}

fn ssn_written(rng: &mut fastrand::Rng) -> (String, String) {
    let ssn = digits(rng, 9);
    let between = *pick(rng, &["-", " ", ""]);
    (
        "my social security number is".to_owned(),
        grouped(&ssn, &[3, 2, 4], between),
    )
}

fn ssn_spoken(rng: &mut fastrand::Rng) -> (String, String) {
    let ssn = digits(rng, 9);
    (
        (*pick(rng, &["my social is", "the social security number is"])).to_owned(),
        spoken(rng, &ssn),
    )
}

const NAMES: [&str; 6] = ["jane", "bob", "patricia", "kowalski", "smith", "delgado"];
const HOSTS: [&str; 6] = ["gmail", "yahoo", "example", "bigbank", "outlook", "acme"];

fn email_written(rng: &mut fastrand::Rng) -> (String, String) {
    let (one, two, host) = (pick(rng, &NAMES), pick(rng, &NAMES), pick(rng, &HOSTS));
    let joint = *pick(rng, &[".", "_", "-", "+", ""]);
    let top = *pick(rng, &["com", "org", "co.uk"]);
    (
        "my email is".to_owned(),
        format!("{one}{joint}{two}@{host}.{top}"),
    )
}

fn email_spoken(rng: &mut fastrand::Rng) -> (String, String) {
    let (one, two, host) = (pick(rng, &NAMES), pick(rng, &NAMES), pick(rng, &HOSTS));
    let local = match rng.u8(0..5) {
        0 => format!("{one} dot {two}"),
        1 => format!("{one} underscore {two}"),
        2 => format!("{one} dash {two}"),
        3 => format!(
            "{one} {} {}",
            WORDS[rng.usize(0..10)],
            WORDS[rng.usize(0..10)]
        ),
        _ => (*one).to_owned(),
    };
    let host = if rng.u8(0..3) == 0 {
        format!("big {host}")
    } else {
        (*host).to_owned()
    };
    let top = *pick(rng, &["com", "org", "co dot uk"]);
    (
        "sure, my email address is".to_owned(),
        format!("{local} at {host} dot {top}"),
    )
}

fn cvv(rng: &mut fastrand::Rng) -> (String, String) {
    let digits = digits(rng, 3);
    let value = if rng.bool() {
        text(&digits)
    } else {
        spoken(rng, &digits)
    };
    (
        (*pick(
            rng,
            &[
                "the security code is",
                "and the cvv is",
                "the three digit code is",
            ],
        ))
        .to_owned(),
        value,
    )
}

fn pin(rng: &mut fastrand::Rng) -> (String, String) {
    let digits = digits(rng, 4);
    let value = if rng.bool() {
        text(&digits)
    } else {
        spoken(rng, &digits)
    };
    (
        (*pick(rng, &["my pin is", "the pin code is", "PIN"])).to_owned(),
        value,
    )
}

fn account(rng: &mut fastrand::Rng) -> (String, String) {
    let count = rng.usize(6..11);
    let digits = digits(rng, count);
    let value = if rng.bool() {
        text(&digits)
    } else {
        spoken(rng, &digits)
    };
    (
        (*pick(rng, &["my account number is", "the bank account is"])).to_owned(),
        value,
    )
}

fn iban(rng: &mut fastrand::Rng) -> (String, String) {
    let body = text(&digits(rng, 18));
    let rest = format!("{body}DE00").chars().fold(0_u32, |rest, c| {
        let value = c.to_digit(36).unwrap();
        (if value < 10 { rest * 10 } else { rest * 100 } + value) % 97
    });
    let whole = format!("DE{:02}{body}", 98 - rest);
    let value = if rng.bool() {
        whole
    } else {
        let groups: Vec<String> = whole
            .as_bytes()
            .chunks(4)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        groups.join(" ")
    };
    ("please pay it to".to_owned(), value)
}

fn birth(rng: &mut fastrand::Rng) -> (String, String) {
    const MONTHS: [&str; 4] = ["March", "may", "october", "December"];
    let (day, month, year) = (rng.u8(1..29), rng.u8(1..13), rng.u16(1930..2010));
    let value = match rng.u8(0..4) {
        0 => format!("{month:02}/{day:02}/{year}"),
        1 => format!("{year}-{month:02}-{day:02}"),
        2 => format!("{} {day}, {year}", pick(rng, &MONTHS)),
        _ => format!("{} third nineteen eighty five", pick(rng, &MONTHS)),
    };
    (
        (*pick(
            rng,
            &["my date of birth is", "I was born on", "my birthday is"],
        ))
        .to_owned(),
        value,
    )
}

fn expiry(rng: &mut fastrand::Rng) -> (String, String) {
    let (month, year) = (rng.u8(1..13), rng.u8(24..35));
    let value = match rng.u8(0..3) {
        0 => format!("{month:02}/{year}"),
        1 => format!("{month:02}/20{year}"),
        _ => pairs(&[month / 10, month % 10, year / 10, year % 10]),
    };
    (
        (*pick(rng, &["it expires", "the expiration date is"])).to_owned(),
        value,
    )
}
