//! Parameters that a query string has more than once: those whose names end with `[]`.

use super::{
    Fields,
    fields::{FormError, NAMES_MAX, pairs},
};

/// The values of each such name, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists(Vec<(String, Vec<String>)>);

impl Lists {
    /// Reads a query string: what stands once, and what may stand more often.
    pub(super) fn from_urlencoded(text: &[u8]) -> Result<(Fields<'static>, Self), FormError> {
        let mut fields = Fields::default();
        let mut lists = Self::default();
        for pair in pairs(text) {
            let (name, value) = pair?;
            if name.ends_with("[]") {
                lists.push(name, value)?;
            } else {
                fields.push_text(name, value)?;
            }
        }
        Ok((fields, lists))
    }

    /// The values of a name.
    pub fn get(&self, name: &str) -> &[String] {
        self.0
            .iter()
            .find_map(|(known, values)| (known == name).then_some(values.as_slice()))
            .unwrap_or_default()
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn push(&mut self, name: String, value: String) -> Result<(), FormError> {
        if self.0.iter().map(|(_, values)| values.len()).sum::<usize>() == NAMES_MAX {
            return Err(FormError::TooMany);
        }
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name, vec![value])),
        }
        Ok(())
    }
}
