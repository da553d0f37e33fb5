//! Reads the fields of a request and collects every refusal, so that a client is told all of them at once.

use crate::api::error::{Code, Error, FieldError};

use super::{Field, Fields, Wrong};

/// Reads fields and remembers what was wrong with them.
#[derive(Debug)]
pub struct Reader<'f, 'a> {
    fields: &'f Fields<'a>,
    errors: Vec<FieldError>,
}

impl<'f, 'a> Reader<'f, 'a> {
    /// A reader of these fields.
    pub fn new(fields: &'f Fields<'a>) -> Self {
        Self {
            fields,
            errors: Vec::new(),
        }
    }

    /// A field that must be there; `None` if it was refused.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        match self.fields.get(name) {
            Some(Field::Null) | None => {
                self.errors.push(FieldError::missing(name));
                None
            }
            Some(field) => self.keep(name, read(field)),
        }
    }

    /// A field that may be absent or `null`; `None` also if it was refused.
    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        match self.fields.get(name) {
            Some(Field::Null) | None => None,
            Some(field) => self.keep(name, read(field)),
        }
    }

    /// Refuses every field that is none of these.
    pub fn only(&mut self, names: &[&str]) {
        let known = names.join(", ");
        let fields = self.fields;
        let unknown = fields.names().filter(|name| !names.contains(name));
        self.errors.extend(unknown.map(|name| FieldError {
            field: name.to_owned(),
            code: "unknown",
            message: format!("is not known here; there is {known}"),
        }));
    }

    /// Whether the field is there, and not `null`.
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.fields.get(name), None | Some(Field::Null))
    }

    /// Every name that has a value.
    pub fn names(&self) -> impl Iterator<Item = &'f str> + use<'f, 'a> {
        self.fields.names()
    }

    /// The field as it was sent.
    pub fn get(&self, name: &str) -> Option<&'f Field<'a>> {
        self.fields.get(name)
    }

    /// Remembers a refusal that needed more than one field to see.
    pub fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// What was refused.
    pub fn errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// All that was read, if nothing was refused.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Error> {
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            Some(_) | None => Err(Error::fields(Code::InvalidInput, self.errors)),
        }
    }

    fn keep<T>(&mut self, name: &str, read: Result<T, Wrong>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(Wrong { code, message }) => {
                self.errors.push(FieldError {
                    field: name.to_owned(),
                    code,
                    message,
                });
                None
            }
        }
    }
}
