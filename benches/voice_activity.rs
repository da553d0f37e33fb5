//! How long it takes to hear who speaks in an hour of a two-channel recording, and how much memory: `cargo bench --bench voice_activity`.
//!
//! The recording is made here: the test call (59 s) again and again, until it is ten minutes, an hour, four hours, so that it is seen
//! whether memory grows with it; Opus, whose file cannot be repeated like this, is that call alone. One thread. Fails if an hour
//! takes 15 s or more, or if four hours take 16 MiB more memory than ten minutes. The figures stand in docs/performance.md.
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

use mimalloc::MiMalloc;
use onhook::audio::{decode::Stop, listen};

/// As the service has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The head of the µ-law file: what follows is samples.
const WAV_HEAD: usize = 58;
/// The call is 58.9 s long: so many are an hour.
const HOUR_CALLS: u32 = 61;
/// An hour may take so long.
const HOUR_MAX: Duration = Duration::from_secs(15);
/// Four hours may take so much more memory than ten minutes.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

fn main() -> ExitCode {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
    let mulaw = fs::read(fixtures.join("call_dual_8k_ulaw.wav")).unwrap();
    let mp3 = fs::read(fixtures.join("call_dual.mp3")).unwrap();
    let opus = fs::read(fixtures.join("call_dual.opus")).unwrap();
    let (head, samples) = mulaw.split_at(WAV_HEAD);
    let mut good = true;
    println!(
        "| recording, two channels | length | file | heard in | times real time | most memory |\n|---|---|---|---|---|---|"
    );
    let mut peaks = Vec::new();
    for (name, head, body, calls) in [
        (
            "µ-law, 8 kHz",
            head,
            samples,
            &[10, HOUR_CALLS, 4 * HOUR_CALLS][..],
        ),
        ("MP3, 16 kHz", &[], &mp3, &[10, HOUR_CALLS, 4 * HOUR_CALLS]),
        ("Opus, 48 kHz", &[], &opus, &[1]),
    ] {
        for calls in calls {
            let file = repeated(head, body, *calls);
            let bytes = file.metadata().unwrap().len();
            let begun = Instant::now();
            let heard = listen(&file, &Stop::default()).unwrap();
            let took = begun.elapsed();
            peaks.push(peak_kib());
            let seconds = f64::from(heard.duration_ms) / 1_000.0;
            println!(
                "| {name} | {:.0} min | {:.1} MB | {:.2} s | {:.0} | {:.1} MiB |",
                seconds / 60.0,
                f64::from(u32::try_from(bytes).unwrap()) / 1e6,
                took.as_secs_f64(),
                seconds / took.as_secs_f64(),
                mib(peaks.last()),
            );
            assert_eq!(heard.voices.len(), 2);
            good &= *calls > HOUR_CALLS || took < HOUR_MAX;
        }
    }
    if let (Some(first), Some(last)) = (peaks.first(), peaks.last()) {
        println!(
            "most memory, after all of them over after ten minutes: {:.2}",
            mib(Some(last)) / mib(Some(first))
        );
        good &= last.saturating_sub(*first) <= GROWTH_KIB_MAX;
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn mib(kib: Option<&u64>) -> f64 {
    f64::from(u32::try_from(*kib.unwrap()).unwrap()) / 1_024.0
}

/// A recording of so many calls; its head's lengths mean the end of the file.
fn repeated(head: &[u8], body: &[u8], calls: u32) -> File {
    let mut file = tempfile::tempfile().unwrap();
    let mut head = head.to_vec();
    for at in [4, WAV_HEAD - 4] {
        if let Some(length) = head.get_mut(at..at + 4) {
            length.copy_from_slice(&u32::MAX.to_le_bytes());
        }
    }
    file.write_all(&head).unwrap();
    for _ in 0..calls {
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
