//! How long it takes to hear who speaks in an hour of a two-channel recording, and how much memory: `cargo bench --bench voice_activity`.
//!
//! The recording is made here: the test call (59 s) again and again, until it is an hour, and then four, so that it is seen whether memory
//! grows with it. One thread. Fails if an hour takes 15 s or more, or if four hours take 16 MiB more memory than one. The
//! figures stand in docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and prints what it measured"
)]

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use onhook::audio::{decode::Stop, listen};

/// The head of the µ-law file: what follows is samples.
const WAV_HEAD: usize = 58;
/// An hour may take so long.
const HOUR_MAX: Duration = Duration::from_secs(15);
/// Four hours may take so much more memory than one.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

fn main() -> ExitCode {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
    let mulaw = fs::read(fixtures.join("call_dual_8k_ulaw.wav")).unwrap();
    let mp3 = fs::read(fixtures.join("call_dual.mp3")).unwrap();
    let (head, samples) = mulaw.split_at(WAV_HEAD);
    let mut good = true;
    println!(
        "| recording | file | decoded and heard in | times real time | most memory |\n|---|---|---|---|---|"
    );
    for (name, head, body) in [("µ-law, 8 kHz", head, samples), ("MP3, 16 kHz", &[], &mp3)] {
        let mut peaks = Vec::new();
        for hours in [1_u32, 4] {
            let file = repeated(head, body, hours);
            let bytes = file.metadata().unwrap().len();
            let begun = Instant::now();
            let heard = listen(&file, &Stop::default()).unwrap();
            let took = begun.elapsed();
            let peak = peak_kib();
            let speed = f64::from(heard.duration_ms) / 1_000.0 / took.as_secs_f64();
            println!(
                "| {name}, two channels, {hours} h | {} MB | {:.1} s | {speed:.0} | {} MiB |",
                bytes / 1_000_000,
                took.as_secs_f64(),
                peak / 1024
            );
            assert_eq!(heard.voices.len(), 2);
            good &= hours > 1 || took < HOUR_MAX;
            peaks.push(peak);
        }
        if let [one, four] = peaks.as_slice() {
            good &= four - one <= GROWTH_KIB_MAX;
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A recording of so many hours; its head's lengths mean the end of the file.
fn repeated(head: &[u8], body: &[u8], hours: u32) -> File {
    let mut file = tempfile::tempfile().unwrap();
    let mut head = head.to_vec();
    for at in [4, WAV_HEAD - 4] {
        if let Some(length) = head.get_mut(at..at + 4) {
            length.copy_from_slice(&u32::MAX.to_le_bytes());
        }
    }
    file.write_all(&head).unwrap();
    // The call is 58.9 s long.
    for _ in 0..hours * 61 {
        file.write_all(body).unwrap();
    }
    file
}

/// The most memory that was resident so far; it never falls, so the smallest comes first.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
