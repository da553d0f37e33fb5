//! Analysed calls per second on one core: a call of ten minutes and 120 turns, every section that is made of a transcript, beside
//! Python's vaderSentiment doing the sentiment of the same turns and nothing else, in the same minute.
//!
//! `cargo bench --bench analysis -- PYTHON`, where PYTHON has vaderSentiment: `benches/analysis/run` makes one. The figures stand in
//! docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and prints what it measured"
)]

use std::{
    hint::black_box,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use mimalloc::MiMalloc;
use onhook::{
    analysis::{
        call_metrics::CallFacts,
        insights::Told,
        privacy,
        run::{Material, analyse},
        sentiment::scorer,
    },
    domain::{
        analysis::{Settings, TranscriptSource},
        call::Call,
        id::{AccountId, CallId},
        lifecycle::Lifecycle,
        report::{Facts, ProviderCallId, ProviderName, Report, ReportKind},
        state::EndState,
        transcript::draft::Draft,
    },
};
use serde_json::{Value, json};

/// As the service has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const LINES: &str = include_str!("../tests/fixtures/analysis/plain_dialogue.txt");
const TURNS: usize = 120;
const TALK_S: i64 = 600;
const TIME: Duration = Duration::from_secs(4);

/// Times the same on Python's side: turns a second.
const PYTHON: &str = "
import json, sys, time
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
turns, seconds = json.load(sys.stdin)
analyzer = SentimentIntensityAnalyzer()
calls, start = 0, time.perf_counter()
while time.perf_counter() - start < seconds:
    for turn in turns:
        analyzer.polarity_scores(turn)
    calls += 1
print(calls / (time.perf_counter() - start))
";

fn main() {
    let python = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let turns: Vec<&str> = LINES.lines().take(TURNS).collect();
    let words: usize = turns
        .iter()
        .map(|turn| turn.split_whitespace().count())
        .sum();
    println!("{} turns, {words} words, {TALK_S} s of talk", turns.len());
    println!("| subject | calls/s | per call |");
    println!("|---|---|---|");
    let before = python.as_deref().map(|python| of_python(python, &turns));
    let told = material(&turns, Some("en"));
    let whole = rate("onhook, every section", || {
        black_box(analyse(black_box(&told)));
    });
    let untold = material(&turns, None);
    rate("onhook, every section, language detected", || {
        black_box(analyse(black_box(&untold)));
    });
    let vader = scorer(&Settings::default().sentiment);
    rate("onhook, sentiment of the turns alone", || {
        for turn in &turns {
            black_box(vader.compound(black_box(turn)));
        }
    });
    let (_, transcript) = told.transcript.as_ref().unwrap();
    rate("onhook, personal data alone", || {
        black_box(privacy::detect(black_box(transcript.utterances())));
    });
    rate("onhook, the input's hash alone", || {
        black_box(black_box(&told).hash());
    });
    if let (Some(python), Some(before)) = (python, before) {
        let after = of_python(&python, &turns);
        let faster = whole / before.max(after);
        println!(
            "every section, against Python's sentiment alone: {faster:.1} times as many calls"
        );
    }
}

/// How many times a second something is done on this thread.
fn rate(subject: &str, mut work: impl FnMut()) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < TIME / 4 {
        work();
    }
    let (start, mut done) = (Instant::now(), 0_u32);
    while start.elapsed() < TIME {
        work();
        done += 1;
    }
    shown(subject, f64::from(done) / start.elapsed().as_secs_f64())
}

fn shown(subject: &str, rate: f64) -> f64 {
    println!("| {subject} | {rate:.0} | {:.1} µs |", 1e6 / rate);
    rate
}

fn of_python(python: &str, turns: &[&str]) -> f64 {
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python with vaderSentiment");
    let asked = json!([turns, TIME.as_secs()]).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let told = child.wait_with_output().unwrap().stdout;
    let rate = String::from_utf8(told)
        .unwrap()
        .trim()
        .parse()
        .expect("a rate");
    shown(
        "Python's vaderSentiment, sentiment of the turns alone",
        rate,
    )
}

fn material(turns: &[&str], language: Option<&str>) -> Material {
    let length = u32::try_from(TALK_S * 1_000).unwrap() / u32::try_from(turns.len()).unwrap();
    let said: Vec<Value> = turns
        .iter()
        .zip(0_u32..)
        .map(|(text, turn)| {
            let speaker = if turn % 2 == 0 { "agent" } else { "customer" };
            json!({"speaker": speaker, "text": text, "begin_ms": turn * length, "end_ms": turn * length + length - 300})
        })
        .collect();
    let draft: Draft =
        serde_json::from_value(json!({"language": language, "utterances": said})).unwrap();
    Material {
        facts: CallFacts::of(&call(), &[]),
        transcript: Some((TranscriptSource::Caller, draft.parse().unwrap())),
        settings: Settings::default(),
        insights: Told::default(),
        reading: None,
    }
}

fn call() -> Call {
    let at = |second: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + second);
    let mut life = Lifecycle::default();
    for (kind, second) in [
        (ReportKind::Ringing, 0),
        (ReportKind::Answered, 6),
        (ReportKind::Ended(EndState::Completed), 6 + TALK_S),
    ] {
        life.absorb(&Report::new(kind, at(second), Facts::default()));
    }
    Call {
        life,
        ..Call::unknown(
            AccountId::generate(),
            CallId::generate(),
            ProviderName::voip(),
            ProviderCallId::parse("bench").unwrap(),
            at(0),
        )
    }
}
