//! The doubles that there are: one file a provider.

use super::double::Double;

pub mod twilio;

/// Every double.
pub const ALL: &[&dyn Double] = &[&twilio::Twilio];

/// The double of a provider.
pub fn named(provider: &str) -> Option<&'static dyn Double> {
    let mut all = ALL.iter().copied();
    all.find(|double| double.provider() == provider)
}
