//! Cursors: a place in one list of one account, as opaque text. A cursor of another list or account is refused.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    domain::id::{AccountId, CallId},
    store::calls::list::Place,
};

/// The longest cursor; sort keys are at most 255 characters.
const TEXT_BYTES_MAX: usize = 2048;

const MARK_BYTES: usize = 8;

/// What tells one list from another: the account, and everything that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListMark([u8; MARK_BYTES]);

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
        let hash = digest(&SHA256, asked.as_bytes());
        let mut mark = [0; MARK_BYTES];
        for (to, from) in mark.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(mark)
    }
}

/// A place as text.
pub fn encode(mark: ListMark, place: &Place) -> String {
    let mut bytes = mark.0.to_vec();
    bytes.extend_from_slice(place.call_id.uuid().as_bytes());
    bytes.extend_from_slice(place.key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place that a text means in this list.
pub fn decode(mark: ListMark, text: &str) -> Option<Place> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (found, rest) = bytes.split_first_chunk::<MARK_BYTES>()?;
    let (call, key) = rest.split_first_chunk::<16>()?;
    let key = String::from_utf8(key.to_vec()).ok()?;
    let place = Place {
        key,
        call_id: CallId::from(uuid::Uuid::from_bytes(*call)),
    };
    (*found == mark.0 && !place.key.contains('\0')).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::{ListMark, decode, encode};
    use crate::{
        domain::id::{AccountId, CallId},
        store::calls::list::Place,
    };

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let account = AccountId::generate();
        let mark = ListMark::new(account, [("order", "asc")]);
        let place = Place {
            key: "+1415555".to_owned(),
            call_id: CallId::generate(),
        };
        let cursor = encode(mark, &place);
        assert_eq!(decode(mark, &cursor), Some(place));
        for other in [
            ListMark::new(account, [("order", "desc")]),
            ListMark::new(AccountId::generate(), [("order", "asc")]),
        ] {
            assert_eq!(decode(other, &cursor), None);
        }
        for broken in ["", "x", "!!", cursor.get(..10).unwrap(), &"A".repeat(3000)] {
            assert_eq!(decode(mark, broken), None, "{broken}");
        }
    }
}
