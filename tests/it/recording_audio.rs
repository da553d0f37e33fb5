//! Recordings as sound, without a network or a database: what is decoded, where voices are heard, and what hostile files get.

use std::{
    fs::{self, File},
    io::Write as _,
    ops::ControlFlow,
    path::PathBuf,
};

use onhook::{
    analysis::timing::timing_of_voices,
    audio::{
        Listened, PIECE_MAX_MS, Piece, Resampler, Unreadable, cut,
        decode::{Decoded, Stop, decode},
        listen, plan,
    },
    domain::{
        analysis::ConversationCharacteristics,
        sound::{Codec, VoiceSpan},
    },
};
use proptest::prelude::*;
use serde_json::Value;

use crate::sound::{Coding, tone, wav};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/analysis")
        .join(name)
}

/// A file with these bytes, gone when it is closed.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn heard(bytes: &[u8]) -> Result<Listened, Unreadable> {
    listen(&file(bytes), &Stop::default())
}

/// Everything that is decoded of a file, channel by channel.
fn samples(bytes: &[u8]) -> Result<(Decoded, Vec<Vec<f32>>), Unreadable> {
    let mut channels: Vec<Vec<f32>> = Vec::new();
    let decoded = decode(&file(bytes), (&Stop::default(), 3_600), &mut |_, block| {
        channels.resize(block.len(), Vec::new());
        for (channel, more) in channels.iter_mut().zip(block) {
            channel.extend_from_slice(more);
        }
        ControlFlow::Continue(())
    })?;
    Ok((decoded, channels))
}

fn conversation(listened: &Listened) -> ConversationCharacteristics {
    let [agent, customer] = listened.voices.as_slice() else {
        panic!("two channels")
    };
    let voices = [
        ("agent", agent.as_slice()),
        ("customer", customer.as_slice()),
    ];
    timing_of_voices(&voices, listened.duration_ms.into(), None)
}

fn number(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap())
}

/// Within so much of the truth, as a part of it.
fn assert_near(found: f64, truth: f64, what: &str) {
    let off = (found - truth).abs() / truth;
    assert!(off <= 0.03, "{what}: {found} is {off:.4} off {truth}");
}

#[test]
fn voice_activity_is_within_three_percent_of_the_truth_in_every_codec() {
    let truth: Value =
        serde_json::from_slice(&fs::read(fixture("call_expected.json")).unwrap()).unwrap();
    for (name, codec, rate) in [
        ("call_dual_8k_ulaw.wav", Codec::MuLaw, 8_000),
        ("call_dual.mp3", Codec::Mp3, 16_000),
        ("call_dual.opus", Codec::Opus, 48_000),
    ] {
        let listened = heard(&fs::read(fixture(name)).unwrap()).unwrap();
        assert_eq!(listened.decoded.format.codec, codec, "{name}");
        assert_eq!(listened.decoded.format.file_rate, rate, "{name}");
        assert!(!listened.decoded.damaged, "{name}");
        assert_near(listened.duration_ms.into(), 58_882.0, name);
        let found = conversation(&listened);
        println!(
            "{name}: ratio {:?}, silence {}, long silences {}, interruptions {:?}",
            found.talk_ratio, found.silence_ms, found.non_talk_time.total_ms, found.interruptions
        );
        for who in ["agent", "customer"] {
            let ratio = found.talk_ratio[who].unwrap();
            assert_near(ratio, truth["talk_ratio"][who].as_f64().unwrap(), name);
            let talk = number(found.talk_time.by_participant[who]);
            let told = truth["talk_time"]["by_participant"][who].as_f64().unwrap();
            assert_near(talk, told, name);
        }
        let silence = truth["non_talk_time"]["total_ms"].as_f64().unwrap();
        assert_near(number(found.non_talk_time.total_ms), silence, name);
        let silence = truth["silence_ms"].as_f64().unwrap();
        assert_near(number(found.silence_ms), silence, name);
        assert_eq!(found.interruptions.total_count, 1, "{name}");
        assert_eq!(found.interruptions.instances[0].by, "customer", "{name}");
    }
}

#[test]
fn every_way_of_writing_a_wav_file_gives_the_same_sound() {
    let expected = tone(8_000, 440.0, 2_000);
    for (coding, codec, error) in [
        (Coding::Unsigned8, Codec::Pcm, 0.01),
        (Coding::Signed16, Codec::Pcm, 0.000_1),
        (Coding::Signed24, Codec::Pcm, 0.000_1),
        (Coding::Signed32, Codec::Pcm, 0.000_1),
        (Coding::Float32, Codec::Pcm, 0.000_001),
        (Coding::Float64, Codec::Pcm, 0.000_001),
        (Coding::MuLaw, Codec::MuLaw, 0.02),
        (Coding::ALaw, Codec::ALaw, 0.02),
        (Coding::Extensible16, Codec::Pcm, 0.000_1),
    ] {
        let bytes = wav(coding, 8_000, &[&expected, &vec![0.0; expected.len()]]);
        let (decoded, channels) = samples(&bytes).unwrap();
        assert_eq!(decoded.format.codec, codec);
        assert_eq!((decoded.format.rate, decoded.frames), (8_000, 2_000));
        assert!(!decoded.damaged);
        for (found, sample) in channels[0].iter().zip(&expected) {
            assert!(
                (found - sample).abs() <= error,
                "{coding:?}: {found} for {sample}"
            );
        }
        // G.711 has no exact nought.
        assert!(
            channels[1].iter().all(|sample| sample.abs() < 0.001),
            "{coding:?}"
        );
    }
}

#[test]
fn a_wav_file_that_lies_about_its_lengths_is_read_to_its_end() {
    let sound = tone(8_000, 440.0, 16_000);
    let whole = wav(Coding::Signed16, 8_000, &[&sound]);
    for (length, damaged) in [(0_u32, false), (u32::MAX, false), (2_000_000_000, true)] {
        let mut bytes = whole.clone();
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[40..44].copy_from_slice(&length.to_le_bytes());
        let (decoded, _) = samples(&bytes).unwrap();
        assert_eq!(
            (decoded.frames, decoded.damaged),
            (16_000, damaged),
            "{length}"
        );
    }
    // Shorter than there is: what follows is not sound.
    let mut bytes = whole;
    bytes[40..44].copy_from_slice(&2_000_u32.to_le_bytes());
    assert_eq!(samples(&bytes).unwrap().0.frames, 1_000);
}

#[test]
fn what_is_not_a_recording_is_named() {
    let tagged = |length: [u8; 4]| [b"ID3\x04\0\0".as_slice(), &length].concat();
    let sound = tone(8_000, 440.0, 80);
    let silence = vec![0.0; 80];
    let mut gsm = wav(Coding::Signed16, 8_000, &[&sound]);
    gsm[20] = 0x31;
    let mut odd = wav(Coding::Signed16, 8_000, &[&sound]);
    odd[34] = 12;
    let mut mute = wav(Coding::Signed16, 8_000, &[&sound]);
    mute[22] = 0;
    let mut slow = wav(Coding::Signed16, 8_000, &[&sound]);
    slow[24..28].copy_from_slice(&1_u32.to_le_bytes());
    let many = wav(Coding::Signed16, 8_000, &[&sound, &silence, &silence]);
    let empty = wav(Coding::Signed16, 8_000, &[&[]]);
    for (bytes, told) in [
        (b"".to_vec(), "there is no sound in it"),
        (b"string".to_vec(), "it is not an audio file"),
        (
            b"<!doctype html><p>Sign in</p>".to_vec(),
            "it is not an audio file",
        ),
        (b"RIFF".to_vec(), "it is not an audio file"),
        (
            b"RIFF\0\0\0\0WAVE".to_vec(),
            "it is damaged: it ends before its first sample",
        ),
        (
            b"\0\0\0\x18ftypM4A ".to_vec(),
            "it is audio of a kind that is not decoded: MP4",
        ),
        (
            b"fLaC\0\0\0\x22".to_vec(),
            "it is audio of a kind that is not decoded: FLAC",
        ),
        (
            b"\xff\xf1\x50\x80".to_vec(),
            "it is audio of a kind that is not decoded: AAC",
        ),
        (
            b"OggS".to_vec(),
            "it is damaged: no stream that can be read",
        ),
        (b"\xff\xfb\x90\x00".to_vec(), "there is no sound in it"),
        (tagged([0, 0, 0, 1]), "there is no sound in it"),
        (tagged([127, 127, 127, 127]), "there is no sound in it"),
        (
            gsm,
            "it is audio of a kind that is not decoded: a WAV file's own",
        ),
        (odd, "it is damaged: an odd number of bits a sample"),
        (mute, "it is damaged: no channels"),
        (
            slow,
            "it is audio of a kind that is not decoded: its sample rate",
        ),
        (many, "it has 3 channels"),
        (empty, "there is no sound in it"),
    ] {
        let found = heard(&bytes).unwrap_err().to_string();
        assert_eq!(found, told, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_recording_that_was_cut_is_read_as_far_as_it_goes() {
    for name in ["call_dual_8k_ulaw.wav", "call_dual.mp3", "call_dual.opus"] {
        let whole = fs::read(fixture(name)).unwrap();
        let half = heard(&whole[..whole.len() / 2]).unwrap();
        assert!(
            (25_000..=34_000).contains(&half.duration_ms),
            "{name}: {}",
            half.duration_ms
        );
        assert_eq!(half.voices.len(), 2, "{name}");
        assert!(half.voices[0].len() >= 2, "{name}");
        for at in [0, 1, 3, 12, 40, 57, 100, 300, 1_000] {
            // Any answer is good; a panic is not.
            drop(heard(&whole[..at]));
        }
    }
}

#[test]
fn bytes_in_the_middle_that_are_no_sound_keep_the_rest_in_its_place() {
    for name in ["call_dual.mp3", "call_dual.opus"] {
        let mut bytes = fs::read(fixture(name)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 3_000].fill(0x5a);
        let listened = heard(&bytes).unwrap();
        assert!(
            (55_000..=60_000).contains(&listened.duration_ms),
            "{name}: {}",
            listened.duration_ms
        );
        let last = listened.voices[0].last().unwrap();
        assert!((57_500..=59_500).contains(&last.end_ms), "{name}: {last:?}");
    }
}

#[test]
fn a_recording_that_is_longer_than_allowed_is_refused() {
    for (name, seconds) in [
        ("call_dual.mp3", 58),
        ("call_dual.opus", 58),
        ("call_dual_8k_ulaw.wav", 58),
    ] {
        let file = file(&fs::read(fixture(name)).unwrap());
        let refused = decode(&file, (&Stop::default(), seconds), &mut |_, _| {
            ControlFlow::Continue(())
        });
        assert!(matches!(refused, Err(Unreadable::TooLong)), "{name}");
    }
    let exactly = wav(Coding::Signed16, 8_000, &[&tone(8_000, 440.0, 16_000)]);
    let one_more = wav(Coding::Signed16, 8_000, &[&tone(8_000, 440.0, 16_001)]);
    let mut decoded = Vec::new();
    for bytes in [exactly, one_more] {
        let told = decode(&file(&bytes), (&Stop::default(), 2), &mut |_, _| {
            ControlFlow::Continue(())
        });
        decoded.push(told.map(|told| told.frames).ok());
    }
    assert_eq!(decoded, [Some(16_000), None]);
}

#[test]
fn a_decoder_that_nobody_waits_for_stops() {
    let stop = Stop::default();
    let bytes = fs::read(fixture("call_dual.opus")).unwrap();
    let mut blocks = 0;
    let mut dropped = Some(stop.on_drop());
    let stopped = decode(&file(&bytes), (&stop, 3_600), &mut |_, _| {
        blocks += 1;
        dropped = None;
        ControlFlow::Continue(())
    });
    assert!(matches!(stopped, Err(Unreadable::Stopped)));
    assert_eq!(blocks, 1);
}

/// The strength of a tone in samples, by its correlation with sine and cosine.
fn strength(samples: &[f32], rate: u32, hertz: f64) -> f64 {
    let (mut sine, mut cosine, mut at) = (0.0, 0.0, 0.0);
    for sample in samples {
        let angle = std::f64::consts::TAU * hertz * at / f64::from(rate);
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
        at += 1.0;
    }
    2.0 * sine.hypot(cosine) / at
}

#[test]
fn a_tone_keeps_its_pitch_and_strength_at_every_rate_and_nothing_is_folded_into_hearing() {
    for rate in [
        6_000, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 7_999, 96_000,
    ] {
        let frames = usize::try_from(rate).unwrap();
        let resample = |hertz| {
            let (mut resampler, mut output) = (Resampler::new(rate, 16_000), Vec::new());
            // In odd portions, as blocks come.
            for portion in tone(rate, hertz, frames).chunks(997) {
                resampler.push(portion, &mut output);
            }
            resampler.finish(&mut output);
            output
        };
        let output = resample(1_000.0);
        assert!(
            (15_999..=16_001).contains(&output.len()),
            "{rate}: {}",
            output.len()
        );
        let heard = strength(&output[1_600..14_400], 16_000, 1_000.0);
        assert!((heard - 0.5).abs() < 0.005, "{rate}: {heard}");
        if rate > 20_000 {
            // 10 kHz would be heard at 6 kHz.
            let folded = strength(&resample(10_000.0)[1_600..14_400], 16_000, 6_000.0);
            assert!(folded < 0.000_5, "{rate}: {folded}");
        }
        if rate < 16_000 {
            // What upsampling would mirror.
            let mirrored = strength(&output[1_600..14_400], 16_000, f64::from(rate) - 1_000.0);
            assert!(mirrored < 0.000_5, "{rate}: {mirrored}");
        }
    }
}

#[test]
fn pieces_are_cut_at_pauses_and_hold_what_was_planned() {
    let bytes = fs::read(fixture("call_dual_8k_ulaw.wav")).unwrap();
    let listened = heard(&bytes).unwrap();
    let pieces = plan(&listened.voices[1], listened.duration_ms);
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    let mut cuts = Vec::new();
    let mut keep = |piece, wav: Vec<u8>| {
        cuts.push((piece, wav));
        ControlFlow::Continue(())
    };
    let two = [
        Piece {
            begin_ms: 5_500,
            end_ms: 12_500,
        },
        Piece {
            begin_ms: 29_500,
            end_ms: 35_000,
        },
    ];
    cut((&file(&bytes), &Stop::default()), 1, &two, &mut keep).unwrap();
    assert_eq!(cuts.len(), 2);
    for (piece, wav) in cuts {
        let (decoded, channels) = samples(&wav).unwrap();
        assert_eq!(decoded.format.rate, 16_000);
        assert_eq!(channels.len(), 1);
        let expected = u64::from(piece.end_ms - piece.begin_ms) * 16;
        assert_eq!(decoded.frames, expected);
        let again = heard(&wav).unwrap();
        let spoken: u32 = again.voices[0].iter().map(|span| span.length_ms()).sum();
        assert!(spoken > 4_000, "{spoken}");
    }
}

prop_compose! {
    /// Spans in order, apart from each other.
    fn spans()(lengths in proptest::collection::vec((801..60_000_u32, 150..700_000_u32), 0..40)) -> Vec<VoiceSpan> {
        let mut at = 0;
        lengths.into_iter().map(|(pause, length)| {
            let span = VoiceSpan { begin_ms: at + pause, end_ms: at + pause + length };
            at = span.end_ms;
            span
        }).collect()
    }
}

proptest! {
    #[test]
    fn pieces_are_short_apart_and_cover_every_word(spans in spans()) {
        let duration = spans.last().map_or(0, |last| last.end_ms + 100);
        let pieces = plan(&spans, duration);
        for piece in &pieces {
            prop_assert!(piece.begin_ms < piece.end_ms && piece.end_ms <= duration);
            prop_assert!(piece.end_ms - piece.begin_ms <= PIECE_MAX_MS);
        }
        for (one, next) in pieces.iter().zip(pieces.iter().skip(1)) {
            prop_assert!(one.end_ms <= next.begin_ms);
        }
        for span in &spans {
            let covered: u32 = pieces.iter().map(|piece| {
                piece.end_ms.min(span.end_ms).saturating_sub(piece.begin_ms.max(span.begin_ms))
            }).sum();
            prop_assert_eq!(covered, span.length_ms());
        }
    }

    #[test]
    fn damaged_files_never_panic(
        name in prop_oneof![Just("call_dual.mp3"), Just("call_dual.opus"), Just("call_dual_8k_ulaw.wav")],
        length in 20..40_000_usize,
        changes in proptest::collection::vec((0..40_000_usize, any::<u8>()), 1..60),
    ) {
        let mut bytes = fs::read(fixture(name)).unwrap();
        bytes.truncate(length);
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        // Any answer is good; a panic, or more sound than there can be, is not.
        if let Ok((decoded, _)) = samples(&bytes) {
            prop_assert!(decoded.frames < 60_000_000);
        }
    }
}
