//! Cursors: a place in one list of one account, as opaque text. A cursor of another list or account is refused.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use chrono::DateTime;

use crate::{
    domain::id::{AccountId, CallId},
    store::calls::query::Place,
};

/// The longest cursor; what is sorted by is at most 255 characters of four bytes.
const TEXT_BYTES_MAX: usize = 2048;

const CHECK_BYTES: usize = 8;

/// What tells one list from another: the account, and everything that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMark(String);

impl ListMark {
    /// The mark of the list that these parameters ask for.
    pub fn new<'p>(
        account_id: AccountId,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Self {
        let mut asked = account_id.to_string();
        for (name, value) in parameters {
            asked.extend(["\0", name, "\0", value]);
        }
        Self(asked)
    }

    /// What a place in this list, and no other, comes with. It finds mistakes, not forgers: a forged place is still one
    /// in the caller's own account.
    fn check(&self, place: &[u8]) -> [u8; CHECK_BYTES] {
        let mut context = Context::new(&SHA256);
        context.update(self.0.as_bytes());
        context.update(place);
        let mut check = [0; CHECK_BYTES];
        for (to, from) in check.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        check
    }
}

/// A place as text.
pub fn encode(mark: &ListMark, place: &Place) -> String {
    let mut bytes = place.call_id.uuid().as_bytes().to_vec();
    bytes.extend(place.created_at.timestamp_micros().to_be_bytes());
    if let Some(key) = &place.key {
        bytes.push(b'=');
        bytes.extend(key.as_bytes());
    }
    let mut sealed = mark.check(&bytes).to_vec();
    sealed.append(&mut bytes);
    URL_SAFE_NO_PAD.encode(sealed)
}

/// The place that a text means in this list.
pub fn decode(mark: &ListMark, text: &str) -> Option<Place> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (check, place) = bytes.split_first_chunk::<CHECK_BYTES>()?;
    if *check != mark.check(place) {
        return None;
    }
    let (call, rest) = place.split_first_chunk::<16>()?;
    let (created, key) = rest.split_first_chunk::<8>()?;
    let key = match key.split_first() {
        Some((b'=', key)) => Some(String::from_utf8(key.to_vec()).ok()?),
        Some(_) => return None,
        None => None,
    };
    Some(Place {
        call_id: CallId::from(uuid::Uuid::from_bytes(*call)),
        created_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*created))?,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::{ListMark, decode, encode};
    use crate::{
        domain::id::{AccountId, CallId},
        store::calls::query::Place,
    };

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let account = AccountId::generate();
        let mark = ListMark::new(account, [("order", "asc")]);
        let place = |key: Option<&str>| Place {
            key: key.map(str::to_owned),
            created_at: "2026-03-01T12:00:00.123456Z".parse().unwrap(),
            call_id: CallId::generate(),
        };
        let longest = "\u{10ffff}".repeat(255);
        for place in [place(None), place(Some("")), place(Some(&longest))] {
            assert_eq!(decode(&mark, &encode(&mark, &place)), Some(place));
        }
        let cursor = encode(&mark, &place(Some("+1415555")));
        for other in [
            ListMark::new(account, [("order", "desc")]),
            ListMark::new(AccountId::generate(), [("order", "asc")]),
        ] {
            assert_eq!(decode(&other, &cursor), None);
        }
        let longer = format!("{cursor}AA");
        for broken in ["", "x", "!!", &longer, &"A".repeat(3000)] {
            assert_eq!(decode(&mark, broken), None, "{broken}");
        }
    }
}
