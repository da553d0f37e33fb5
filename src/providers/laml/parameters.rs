//! The parameters of a callback, in the order in which they were posted: signatures depend on it, or sort it away.

use url::form_urlencoded;

/// Names and values.
#[derive(Debug, Default)]
pub(in crate::providers) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a form. Whatever the bytes are, they are some form.
    pub(in crate::providers) fn of_form(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Takes them as they are.
    pub(in crate::providers) fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The parameter's first value that is not empty.
    pub(in crate::providers) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.pairs().filter(|(own, _)| *own == name);
        let (_, value) = values.find(|(_, value)| !value.is_empty())?;
        Some(value)
    }

    /// Each name with its value.
    pub(in crate::providers) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
