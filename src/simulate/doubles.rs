//! The doubles that there are: one file a provider.

use super::double::Double;

pub mod asterisk;
pub mod freeswitch;
pub mod jambonz;
mod laml;
pub mod plivo;
pub mod signalwire;
pub mod telnyx;
pub mod twilio;
pub mod vonage;

/// Every double.
pub const ALL: &[&dyn Double] = &[
    &twilio::Twilio,
    &signalwire::SignalWire,
    &vonage::Vonage,
    &telnyx::Telnyx,
    &plivo::Plivo,
    &jambonz::Jambonz,
    &asterisk::Asterisk,
    &freeswitch::FreeSwitch,
];

/// The double of a provider.
pub fn named(provider: &str) -> Option<&'static dyn Double> {
    let mut all = ALL.iter().copied();
    all.find(|double| double.provider() == provider)
}
