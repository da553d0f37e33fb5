//! Fills a database with generated calls by COPY: a year of calls, the same every time. Also the tests' small database.
//!
//! The first account has about a ninth of the calls, the others share the rest. Customers call again: an account has a
//! tenth as many numbers as calls. One call in twenty has a transcript, one in twenty notes, one in fifty feedback.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use onhook::domain::id::AccountId;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// So many calls are copied at a time.
const BATCH: u64 = 50_000;

/// The tables that are filled, and what of each row.
const CALLS: &str = "copy calls (account_id, call_id, provider, provider_call_id, state, direction, from_number, to_number,
    answered_at, ended_at, duration_s, disconnect_reason, campaign_id, ai_agent_id, contact_id, workspace_id, call_rating,
    call_feedback, notes, analysis_sentiment, source_id, staff_uid, client_uid, recording_id, created_at, updated_at) from stdin";
const NAMES: &str = "copy call_names (account_id, namespace, name, call_id) from stdin";
const TRANSCRIPTS: &str =
    "copy transcripts (account_id, call_id, revision, transcript_id, source, language, utterances,
    text, content_sha256) from stdin";

const NUMBERS: &str = "insert into call_numbers (account_id, called, number)
    select account_id, true, to_number from calls where to_number is not null
    union select account_id, false, from_number from calls where from_number is not null";
const VACUUM: &str = "vacuum (analyze)";

/// How much is generated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) calls: u64,
    pub(crate) accounts: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'s> {
    /// There are so many calls.
    Copied(u64),
    /// This statement runs.
    Runs(&'s str),
}

/// The account with that number, from 0.
pub(crate) fn account(number: u64) -> AccountId {
    Uuid::from_u64_pair(0x0ac0_0000_0000_4000, 0x8000_0000_0000_0000 | number).into()
}

/// The callee of the account's first call to a customer; there are others like it.
pub(crate) fn customer(account: u64, number: u64) -> String {
    format!(
        "+1{:03}{:07}",
        201 + account % 700,
        number * 37 % 10_000_000
    )
}

/// The campaign, agent or contact with that number.
pub(crate) fn owner(kind: u64, account: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(
        0x00ff_0000_0000_4000 | kind << 32,
        0x8000_0000_0000_0000 | account << 32 | number,
    )
}

/// The staff member with that number.
pub(crate) fn staff(number: u64) -> String {
    format!("staff-{number}")
}

/// What staff systems call a customer.
pub(crate) fn client(customer: u64) -> String {
    format!("client-{customer}")
}

/// What staff systems call the call with that number.
pub(crate) fn source(number: u64) -> String {
    format!("src-{number}")
}

/// The recording of the call with that number.
pub(crate) fn recording(number: u64) -> String {
    format!("rec-{number}")
}

/// What telephony calls a call of the first account.
pub(crate) const NAME: &str = "CA000000001000";

/// The word with that number: the lower, the more often it is said.
pub(crate) fn word(number: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "wa",
    ];
    let mut word = String::new();
    for shift in [0, 4, 8, 12] {
        word.push_str(SYLLABLES[usize::try_from(number >> shift & 15).unwrap()]);
    }
    word
}

/// Fills a migrated, empty database; `progress` is told how far it is. Indexes and the
/// calls' numbers are made afterwards: the same in the end, and many times faster.
pub(crate) async fn fill(conn: &mut PgConnection, size: Size, mut progress: impl FnMut(Step<'_>)) {
    for number in 0..size.accounts {
        sqlx::query("insert into accounts (account_id, name, business_uid) values ($1, $2, $2)")
            .bind(account(number).uuid())
            .bind(format!("account-{number}"))
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    let indexes = drop_indexes(conn).await;
    let mut first = 0;
    while first < size.calls {
        let last = size.calls.min(first + BATCH);
        let (mut calls, mut names, mut transcripts) = (String::new(), String::new(), String::new());
        for number in first..last {
            let call = Generated::new(number, size);
            call.push(&mut calls);
            writeln!(
                names,
                "{}\tcall\tCA{number:012}\t{}",
                call.account_id, call.call_id
            )
            .unwrap();
            call.push_transcript(&mut transcripts);
        }
        for (statement, rows) in [(CALLS, calls), (NAMES, names), (TRANSCRIPTS, transcripts)] {
            let mut copy = conn.copy_in_raw(statement).await.unwrap();
            copy.send(rows.as_bytes()).await.unwrap();
            copy.finish().await.unwrap();
        }
        first = last;
        progress(Step::Copied(last));
    }
    progress(Step::Runs(NUMBERS));
    execute(conn, NUMBERS).await;
    execute(conn, "set maintenance_work_mem = '512MB'").await;
    for statement in indexes {
        progress(Step::Runs(&statement));
        execute(conn, &statement).await;
    }
    progress(Step::Runs(VACUUM));
    // As autovacuum would leave it.
    execute(conn, VACUUM).await;
}

/// Drops what only finds rows, and answers the statements that make it again as it was.
async fn drop_indexes(conn: &mut PgConnection) -> Vec<String> {
    let filled = "select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition,
            exists (select from pg_attribute where attrelid = i.indexrelid and attstattarget = 0) as is_quiet
        from pg_index as i
        where i.indrelid = any('{calls,call_names,transcripts,call_numbers}'::regclass[]) and not i.indisprimary";
    let found: Vec<(String, String, bool)> =
        sqlx::query_as(filled).fetch_all(&mut *conn).await.unwrap();
    let mut statements = Vec::new();
    for (name, definition, is_quiet) in found {
        execute(conn, &format!("drop index {name}")).await;
        statements.push(definition);
        if is_quiet {
            statements.push(format!(
                "alter index {name} alter column 1 set statistics 0"
            ));
        }
    }
    statements
}

async fn execute(conn: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await;
    done.expect(statement);
}

/// A generated call.
struct Generated {
    number: u64,
    account: u64,
    account_id: AccountId,
    call_id: Uuid,
    created_at: DateTime<Utc>,
    is_newest: bool,
    /// Of the account's customers.
    customer: u64,
    dice: Dice,
}

impl Generated {
    fn new(number: u64, size: Size) -> Self {
        let mut dice = Dice(number);
        let account = match dice.roll(100) {
            0..11 => 0,
            _ if number.is_multiple_of(1000) => 0,
            _ => dice.roll(size.accounts),
        };
        // They call about ten times each.
        let customers = match account {
            0 => size.calls / 90,
            _ => size.calls / size.accounts / 11,
        };
        // A year, however many there are.
        let micros = 31_536_000_000_000 / size.calls * number;
        let start: DateTime<Utc> = "2025-10-01T00:00:00Z".parse().unwrap();
        let created_at = start + TimeDelta::microseconds(i64::try_from(micros).unwrap());
        let millis = u64::try_from(created_at.timestamp_millis()).unwrap();
        let call_id = Uuid::from_u64_pair(
            millis << 16 | 0x7000 | dice.roll(0x1000),
            1 << 63 | dice.next() >> 2,
        );
        Self {
            number,
            account,
            account_id: self::account(account),
            call_id,
            created_at,
            is_newest: number + 500 + size.calls / 1000 > size.calls,
            customer: dice.roll(customers.max(1)),
            dice,
        }
    }

    /// A row of `calls`.
    fn push(&self, rows: &mut String) {
        let mut dice = self.dice;
        let line = format!("+1800{:07}", self.account * 20 + dice.roll(20));
        let customer = customer(self.account, self.customer);
        let is_outbound = dice.roll(2) == 0;
        let (direction, from, to) = if is_outbound {
            ("outbound", &line, &customer)
        } else {
            ("inbound", &customer, &line)
        };
        let state = match dice.roll(20) {
            _ if self.is_newest && dice.roll(4) == 0 => "in_progress",
            0 | 1 => "no_answer",
            2 => "busy",
            3 => "voicemail",
            _ => "completed",
        };
        let talk = 5 + dice.roll(600);
        let answered = (state == "completed" || state == "in_progress").then(|| self.at(8));
        let ended = (state != "in_progress").then(|| self.at(8 + talk));
        let seconds = (state == "completed").then_some(talk);
        let reason = (state == "completed").then_some("Customer hung up");
        let owned = |kind, count| is_outbound.then(|| owner(kind, self.account, count));
        let (campaign, agent) = (owned(1, dice.roll(10)), owned(2, dice.roll(5)));
        let contact = is_outbound.then(|| owner(3, self.account, self.customer));
        let rating = (dice.roll(10) == 0).then(|| 1 + dice.roll(5));
        let feedback = (dice.roll(50) == 0).then(|| dice.words(6));
        let notes = (dice.roll(20) == 0).then(|| dice.words(12));
        let sentiment = (self.has_transcript()).then_some(match self.number % 3 {
            0 => "positive",
            1 => "neutral",
            _ => "negative",
        });
        // Staff's calls: every eighth.
        let of_staff = |text: String| or_null(self.is_staffs().then_some(text));
        let (source, staff) = (source(self.number), staff(dice.roll(20)));
        let (source, staff) = (of_staff(source), of_staff(staff));
        let (client, recording) = (
            of_staff(client(self.customer)),
            of_staff(recording(self.number)),
        );
        let changed = ended.unwrap_or(self.created_at);
        writeln!(
            rows,
            "{}\t{}\tvoip\tCA{:012}\t{state}\t{direction}\t{from}\t{to}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\tdefault\t{}\t{}\t{}\t{}\t{source}\t{staff}\t{client}\t{recording}\t{}\t{changed}",
            self.account_id, self.call_id, self.number,
            or_null(answered), or_null(ended), or_null(seconds), or_null(reason), or_null(campaign), or_null(agent),
            or_null(contact), or_null(rating), or_null(feedback), or_null(notes), or_null(sentiment), self.created_at,
        )
        .unwrap();
    }

    /// A row of `transcripts`, for the calls that have one.
    fn push_transcript(&self, rows: &mut String) {
        if self.has_transcript() {
            let mut dice = Dice(self.number ^ 0x7777);
            writeln!(
                rows,
                "{}\t{}\t1\t{}\tcaller\ten\t[]\t{}\t\\\\x{}",
                self.account_id,
                self.call_id,
                self.call_id,
                dice.words(40),
                "00".repeat(32),
            )
            .unwrap();
        }
    }

    fn is_staffs(&self) -> bool {
        self.number.is_multiple_of(8)
    }

    fn has_transcript(&self) -> bool {
        self.number % 20 == 7
    }

    fn at(&self, seconds: u64) -> DateTime<Utc> {
        self.created_at + TimeDelta::seconds(i64::try_from(seconds).unwrap())
    }
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "\\N".to_owned(), |value| value.to_string())
}

/// Chance that is the same every time (splitmix64).
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    fn words(&mut self, count: u64) -> String {
        let words: Vec<String> = (0..count)
            .map(|_| {
                let (a, b) = (self.roll(256), self.roll(256));
                word(a * b)
            })
            .collect();
        words.join(" ")
    }
}
