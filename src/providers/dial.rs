//! How a PBX of one's own places a call: `ENDPOINT -> DESTINATION`, the text of a connection's answer application.
//!
//! `ENDPOINT` is what the PBX dials, `{number}` in it the number in E.164 and `{digits}` the same without its plus.
//! `DESTINATION` is what takes the call once somebody answers: `EXTENSION@CONTEXT` of the dialplan, or with Asterisk
//! `stasis:APPLICATION`. The characters are few on purpose: none of them ends a word, a variable or a line in any PBX.

use crate::domain::{connection::AnsweredBy, party::E164};

/// A template that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dial<'a> {
    endpoint: &'a str,
    pub(super) then: Then<'a>,
}

/// What takes the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then<'a> {
    /// The dialplan.
    Extension {
        extension: &'a str,
        context: &'a str,
    },
    /// An ARI application.
    Stasis(&'a str),
}

impl<'a> Dial<'a> {
    /// Reads what a connection says of the calls that it places.
    pub(super) fn of(answered_by: &'a AnsweredBy) -> Result<Self, &'static str> {
        match answered_by {
            AnsweredBy::Application(text) => Self::parse(text.as_str()),
            AnsweredBy::Url(_) => Err(
                "a PBX fetches no URL; set an application such as `PJSIP/{number}@trunk -> 1000@agents`",
            ),
        }
    }

    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (endpoint, destination) = text
            .split_once("->")
            .ok_or("the application must be like `PJSIP/{number}@trunk -> 1000@agents`")?;
        let (endpoint, destination) = (endpoint.trim(), destination.trim());
        let (before, after) = ["{number}", "{digits}"]
            .iter()
            .find_map(|placeholder| endpoint.split_once(placeholder))
            .ok_or("the endpoint must have {number} or {digits} in it")?;
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/@:._;=+-".contains(&b))
        };
        if !(plain(before) && plain(after) && before.contains('/')) {
            return Err(
                "the endpoint must be TECHNOLOGY/RESOURCE of letters, digits and /@:._;=+-",
            );
        }
        let name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_.-*#+".contains(&b))
        };
        let then = match (
            destination.strip_prefix("stasis:"),
            destination.split_once('@'),
        ) {
            (Some(application), _) if name(application) => Then::Stasis(application),
            (None, Some((extension, context))) if name(extension) && name(context) => {
                Then::Extension { extension, context }
            }
            (_, _) => {
                return Err("the destination must be EXTENSION@CONTEXT or stasis:APPLICATION");
            }
        };
        Ok(Self { endpoint, then })
    }

    /// What is dialled for a number.
    pub(super) fn endpoint(&self, to: &E164) -> String {
        let number = to.as_str();
        let digits = number.strip_prefix('+').unwrap_or(number);
        self.endpoint
            .replacen("{number}", number, 1)
            .replacen("{digits}", digits, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dial, Then};

    #[test]
    fn a_template_says_what_is_dialled_and_what_takes_the_call() {
        let dial = Dial::parse("PJSIP/{number}@trunk -> 1000@agents").unwrap();
        let to = "+14155550148".parse().unwrap();
        assert_eq!(dial.endpoint(&to), "PJSIP/+14155550148@trunk");
        let (extension, context) = ("1000", "agents");
        assert_eq!(dial.then, Then::Extension { extension, context });
        let dial = Dial::parse("sofia/gateway/carrier/{digits}->stasis:voice-bot").unwrap();
        assert_eq!(dial.endpoint(&to), "sofia/gateway/carrier/14155550148");
        assert_eq!(dial.then, Then::Stasis("voice-bot"));
    }

    #[test]
    fn what_could_mean_something_to_a_pbx_is_refused() {
        for text in [
            "",
            "PJSIP/{number}@trunk",
            "PJSIP/trunk -> 1000@agents",
            "{number} -> 1000@agents",
            "PJSIP/{number}/{number} -> 1000@agents",
            "PJSIP/{number}\n@trunk -> 1000@agents",
            "{a=b}sofia/gateway/x/{number} -> 1000@agents",
            "sofia/gateway/x/{number},user/1 -> 1000@agents",
            "sofia/gateway/x/{number}|user/1 -> 1000@agents",
            "PJSIP/{number} -> 1000",
            "PJSIP/{number} -> &system(reboot)",
            "PJSIP/{number} -> 1000@agents XML",
            "PJSIP/{number} -> 1000@agents\r\n\r\nexit",
            "PJSIP/{number} -> stasis:",
            "PJSIP/{number} -> stasis:a,b",
            "PJSIP/${SHELL(x)}{number} -> 1000@agents",
        ] {
            assert!(Dial::parse(text).is_err(), "{text}");
        }
    }
}
