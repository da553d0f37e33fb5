//! What will happen: decided for each call by a seeded generator.

use std::time::Duration;

use fastrand::Rng;

use crate::domain::state::{Direction, EndState};

/// What goes wrong how often, in parts of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chances {
    /// Ends that the provider never reports.
    pub lost_ends: u8,
    /// Callbacks that come twice.
    pub doubled: u8,
    /// Calls that are ended here.
    pub ended_here: u8,
    /// Of those, calls that were over there a moment before.
    pub too_late: u8,
    /// Requests to the provider that it answers with 503 before it has looked at them.
    pub refused: u8,
    /// Requests that it carries out, and whose answer is lost.
    pub lost_answers: u8,
}

impl Default for Chances {
    fn default() -> Self {
        Self {
            lost_ends: 5,
            doubled: 5,
            ended_here: 30,
            too_late: 20,
            refused: 3,
            lost_answers: 2,
        }
    }
}

/// How a call comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Natural,
    /// We are asked to end it.
    Here,
    /// We are asked to end it, and it was over a moment before.
    HereTooLate,
}

/// One call's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Who called whom.
    pub direction: Direction,
    /// The other party's number.
    pub other: String,
    /// How long nothing happens before it rings.
    pub queued: Duration,
    /// How long it rings; absent if it never does.
    pub ringing: Option<Duration>,
    /// How long people talk; absent if nobody answers.
    pub talking: Option<Duration>,
    /// How it ends, if it ends by itself.
    pub end: EndState,
    /// Who ends it.
    pub ending: Ending,
    /// The provider never reports its end.
    pub end_is_lost: bool,
}

impl Script {
    /// The next call.
    pub fn draw(rng: &mut Rng, chances: &Chances) -> Self {
        let mut within = |from: u64, to: u64| Duration::from_millis(rng.u64(from..to));
        let (queued, ringing, talking) = (within(0, 50), within(20, 200), within(50, 600));
        let ending = if !happens(rng, chances.ended_here) {
            Ending::Natural
        } else if happens(rng, chances.too_late) {
            Ending::HereTooLate
        } else {
            Ending::Here
        };
        let end = match rng.u8(0..10) {
            0..6 => EndState::Completed,
            6 => EndState::Busy,
            7 | 8 => EndState::NoAnswer,
            _ => EndState::Canceled,
        };
        // Whoever is too late finds a call that had been answered.
        let end = if ending == Ending::HereTooLate {
            EndState::Completed
        } else {
            end
        };
        let inbound = rng.bool();
        Self {
            direction: if inbound {
                Direction::Inbound
            } else {
                Direction::Outbound
            },
            other: format!("+1415555{:04}", rng.u16(1000..9999)),
            queued,
            ringing: (end != EndState::Busy).then_some(ringing),
            talking: (end == EndState::Completed).then_some(talking),
            end,
            ending,
            end_is_lost: happens(rng, chances.lost_ends),
        }
    }
}

/// Whether something happens that happens so often in a hundred times.
pub fn happens(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(0..100) < percent
}
