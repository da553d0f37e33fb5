//! Who cut in: began inside another's utterance and went on. Saying "mm-hm" is not cutting in.

use super::{INSTANCES_MAX, Names, Span, Speech};
use crate::domain::analysis::conversation::{Interruption, Interruptions};

/// Shorter overlaps happen in every change of speaker.
const OVERLAP_MS_MIN: u64 = 300;
/// Fewer words are a back-channel, unless they last a second.
const WORDS_MIN: u64 = 3;
const LENGTH_MS_MIN: u64 = 1_000;

/// Every pair in which one cuts in on the other. Speech is in order of time, so whoever can be cut in on stands before,
/// and is dropped when over: the work is bounded by how many talk at once, not by the square of the utterances.
pub(super) fn interruptions(speech: &[Speech], names: &Names<'_>) -> Interruptions {
    let mut found = Interruptions {
        total_count: 0,
        total_ms: 0,
        instances: Vec::new(),
    };
    let mut talking: Vec<Speech> = Vec::new();
    for said in speech {
        talking.retain(|other| other.end > said.begin);
        if said.words >= WORDS_MIN || said.end - said.begin >= LENGTH_MS_MIN {
            for other in &talking {
                let overlap = said.end.min(other.end) - said.begin;
                let cuts_in = other.by != said.by && other.begin < said.begin;
                if cuts_in && overlap >= OVERLAP_MS_MIN {
                    found.total_count += 1;
                    found.total_ms += overlap;
                    if found.instances.len() < INSTANCES_MAX {
                        found.instances.push(Interruption {
                            by: names.name(said.by).to_owned(),
                            span: Span::new(said.begin, said.begin + overlap),
                        });
                    }
                }
            }
        }
        talking.push(*said);
    }
    found
}
