//! Scores lines with our VADER, for `tests/sentiment/run`: a line of JSON text in, a line of four numbers out, negative, neutral,
//! positive and compound.
//!
//! usage: `cargo run --example score_lines -- plain|call <lines`

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _, stdin, stdout},
};

use onhook::analysis::sentiment::vader::{Profile, Vader};

fn main() -> anyhow::Result<()> {
    let profile = match std::env::args().nth(1).as_deref() {
        Some("plain") => Profile::Plain,
        Some("call") => Profile::Call,
        _ => anyhow::bail!("usage: score_lines plain|call"),
    };
    let vader = Vader::new(profile, BTreeMap::new());
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let scores = vader.scores(&text);
        writeln!(
            out,
            "{} {} {} {}",
            scores.negative, scores.neutral, scores.positive, scores.compound
        )?;
    }
    Ok(())
}
