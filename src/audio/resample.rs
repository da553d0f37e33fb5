//! One rate to another, as it comes: a windowed-sinc filter, its phases computed once.
//!
//! From 8 kHz to 16 kHz it interpolates; from higher rates it takes away first what the lower one cannot hold. Rates whose ratio is not a
//! small fraction use the nearest of [`PHASES_MAX`] phases, an error far below that of the telephone line.

use super::wav::narrow;

/// The most phases that are computed: enough for every usual rate exactly (11,025 Hz to 16,000 Hz needs them all).
const PHASES_MAX: u32 = 640;
/// Zero crossings of the sinc on each side.
const CROSSINGS: f64 = 12.0;
/// The filter passes this much of the band below the lower rate's limit.
const PASSED: f64 = 0.92;

/// Brings one channel to another rate.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// Output samples, counted by `up`, lie between input samples, counted by `down`.
    up: u32,
    down: u32,
    phases: u32,
    taps: usize,
    /// The filter, one phase after another; empty if the rates are equal.
    filter: Vec<f32>,
    /// The last input samples, oldest first: the filter's window and what comes after.
    window: Vec<f32>,
    /// Where the next output sample lies behind the window's start: input samples, and parts of `up` of one.
    first: usize,
    part: u32,
}

impl Resampler {
    /// From one rate to the other, both above 0.
    pub fn new(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to).max(1);
        let (up, down) = ((to / divisor).max(1), (from / divisor).max(1));
        let phases = up.min(PHASES_MAX);
        let band = PASSED * (f64::from(up) / f64::from(down)).min(1.0);
        let half = (CROSSINGS / band).ceil();
        let filter = if up == down {
            Vec::new()
        } else {
            filter(phases, half, band)
        };
        let taps = filter.len() / usize::try_from(phases).unwrap_or(1);
        Self {
            up,
            down,
            phases,
            taps,
            filter,
            // The first output sample lies on the first input sample: half a window of silence before it.
            window: vec![0.0; (taps / 2).saturating_sub(1)],
            first: 0,
            part: 0,
        }
    }

    /// Takes input, adds what can be computed by now to the output.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.filter.is_empty() {
            output.extend_from_slice(input);
            return;
        }
        self.window.extend_from_slice(input);
        // No division for each sample: it would take as long as the filter.
        let whole = usize::try_from(self.down / self.up).unwrap_or(usize::MAX);
        let part = self.down % self.up;
        let mut first = self.first;
        while let Some(heard) = first
            .checked_add(self.taps)
            .and_then(|end| self.window.get(first..end))
        {
            output.push(dot(heard, self.taps()).clamp(-1.0, 1.0));
            first = first.saturating_add(whole);
            self.part += part;
            if self.part >= self.up {
                self.part -= self.up;
                first += 1;
            }
        }
        let done = first.min(self.window.len());
        self.window.drain(..done);
        self.first = first - done;
    }

    /// The filter for where the next output sample lies.
    fn taps(&self) -> &[f32] {
        let phase = if self.phases == self.up {
            self.part
        } else {
            let parts = u64::from(self.part) * u64::from(self.phases);
            u32::try_from(parts / u64::from(self.up)).unwrap_or(0)
        };
        let at = usize::try_from(phase).unwrap_or(0) * self.taps;
        self.filter.get(at..at + self.taps).unwrap_or_default()
    }

    /// Ends the input: what the filter still holds.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        let silence = vec![0.0; self.taps / 2];
        self.push(&silence, output);
    }
}

/// In eight sums, which the compiler keeps side by side in one register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

/// Every phase of the filter, each with the same number of taps and the sum 1.
fn filter(phases: u32, half: f64, band: f64) -> Vec<f32> {
    let mut filter = Vec::new();
    for phase in 0..phases {
        let offset = f64::from(phase) / f64::from(phases);
        let mut taps = Vec::new();
        let mut at = -half + 1.0;
        while at <= half {
            taps.push(sinc(band * (at - offset)) * window((at - offset) / (half + 1.0)));
            at += 1.0;
        }
        let sum: f64 = taps.iter().sum();
        filter.extend(taps.iter().map(|tap| narrow(tap / sum)));
    }
    filter
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// Blackman's window, from -1 to 1.
fn window(x: f64) -> f64 {
    let x = (x.clamp(-1.0, 1.0) + 1.0) * std::f64::consts::PI;
    0.42 - 0.5 * x.cos() + 0.08 * (2.0 * x).cos()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
