//! Sound for tests: tones, and WAV files in every coding.

/// How the samples of a WAV file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
    MuLaw,
    ALaw,
    Extensible16,
}

/// A tone of half strength.
pub(crate) fn tone(rate: u32, hertz: f64, frames: usize) -> Vec<f32> {
    (0..u32::try_from(frames).unwrap())
        .map(|at| {
            let angle = std::f64::consts::TAU * hertz * f64::from(at) / f64::from(rate);
            narrow(angle.sin() * 0.5)
        })
        .collect()
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "samples have few digits"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a float cast to a whole number saturates"
)]
fn scaled(sample: f32, by: f64) -> i32 {
    (f64::from(sample) * by).round() as i32
}

/// A WAV file with these channels.
pub(crate) fn wav(coding: Coding, rate: u32, channels: &[&[f32]]) -> Vec<u8> {
    let (tag, bytes) = match coding {
        Coding::Unsigned8 => (1_u16, 1_u16),
        Coding::Signed16 => (1, 2),
        Coding::Signed24 => (1, 3),
        Coding::Signed32 => (1, 4),
        Coding::Float32 => (3, 4),
        Coding::Float64 => (3, 8),
        Coding::MuLaw => (7, 1),
        Coding::ALaw => (6, 1),
        Coding::Extensible16 => (0xfffe, 2),
    };
    let count = u16::try_from(channels.len()).unwrap();
    let mut data = Vec::new();
    for at in 0..channels[0].len() {
        for channel in channels {
            write(coding, channel[at], &mut data);
        }
    }
    let extension: Vec<u8> = if coding == Coding::Extensible16 {
        // Its length, the valid bits, no positions, and the sub-format, which begins with the tag of PCM.
        let rest = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
        [b"\x16\0\x10\0\0\0\0\0\x01\0".as_slice(), rest].concat()
    } else {
        Vec::new()
    };
    let format = [
        tag.to_le_bytes().as_slice(),
        &count.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(count * bytes)).to_le_bytes(),
        &(count * bytes).to_le_bytes(),
        &(bytes * 8).to_le_bytes(),
        &extension,
    ]
    .concat();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let chunks = [
        b"WAVEfmt ".as_slice(),
        &length(&format),
        &format,
        b"data",
        &length(&data),
        &data,
    ]
    .concat();
    [b"RIFF".as_slice(), &length(&chunks), &chunks].concat()
}

fn write(coding: Coding, sample: f32, data: &mut Vec<u8>) {
    let sixteen = i16::try_from(scaled(sample, 32_767.0)).unwrap();
    match coding {
        Coding::Unsigned8 => data.push(u8::try_from(scaled(sample, 127.0) + 128).unwrap()),
        Coding::Signed16 | Coding::Extensible16 => data.extend(sixteen.to_le_bytes()),
        Coding::Signed24 => {
            let [a, b, c, _] = scaled(sample, 8_388_607.0).to_le_bytes();
            data.extend([a, b, c]);
        }
        Coding::Signed32 => data.extend(scaled(sample, 2_147_483_647.0).to_le_bytes()),
        Coding::Float32 => data.extend(sample.to_le_bytes()),
        Coding::Float64 => data.extend(f64::from(sample).to_le_bytes()),
        Coding::MuLaw => data.push(nearest(sixteen, mu_law)),
        Coding::ALaw => data.push(nearest(sixteen, a_law)),
    }
}

/// The code whose value is nearest: slow, and plainly right.
fn nearest(sample: i16, value: fn(u8) -> i32) -> u8 {
    (0..=u8::MAX)
        .min_by_key(|code| (value(*code) - i32::from(sample)).abs())
        .unwrap()
}

/// The values of G.711 by its tables: segments that double, sixteen steps in each.
fn mu_law(code: u8) -> i32 {
    let bits = !code;
    let (segment, step) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
    let value = (33 + 2 * step) * 2_i32.pow(segment) * 4 - 132;
    if bits < 128 { value } else { -value }
}

fn a_law(code: u8) -> i32 {
    let bits = code ^ 0x55;
    let (segment, step) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
    let value = match segment {
        0 => 16 * step + 8,
        _ => (16 * step + 264) * 2_i32.pow(segment - 1),
    };
    if bits < 128 { -value } else { value }
}
