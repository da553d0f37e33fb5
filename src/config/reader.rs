//! Reads settings from (name, value) pairs and remembers everything that is wrong with them.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::{self, Display},
    str::FromStr,
};

use super::setting::{Default, SETTINGS, Secrecy, Setting};

/// A file that holds a secret is at most this long.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Everything that is wrong with the settings, each with its name and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<String>);

impl Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// Settings that were given, and what was wrong with those read so far. It has no `Debug`: some are secrets.
pub(super) struct Reader {
    given: BTreeMap<&'static str, String>,
    problems: Vec<String>,
}

impl Reader {
    /// Takes the variables that are ours and leaves the others alone.
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut reader = Self {
            given: BTreeMap::new(),
            problems: Vec::new(),
        };
        for (name, value) in variables {
            let name = name.to_string_lossy();
            match value.into_string() {
                // An orchestrator that templates its environment writes an empty value for an absent one.
                Ok(value) if value.trim().is_empty() => {}
                Ok(value) => reader.take(&name, value),
                Err(_) if name.starts_with("ONHOOK_") => {
                    reader.problem(format!("{name}: must be UTF-8"));
                }
                Err(_) => {}
            }
        }
        reader
    }

    fn take(&mut self, name: &str, value: String) {
        if let Some(setting) = SETTINGS.into_iter().find(|known| known.name == name) {
            return self.give(setting, value.trim().to_owned());
        }
        let secret = name.strip_suffix("_FILE").and_then(|stem| {
            SETTINGS
                .into_iter()
                .find(|known| known.name == stem && known.secrecy == Secrecy::Secret)
        });
        if let Some(setting) = secret {
            match read(&value) {
                Ok(content) => self.give(setting, content.trim().to_owned()),
                Err(error) => self.problem(format!("{name}: cannot read {value}: {error}")),
            }
        } else if name.starts_with("ONHOOK_") {
            self.problem(format!(
                "{name}: there is no such setting; docs/configuration.md lists them all"
            ));
        }
    }

    fn give(&mut self, setting: Setting, value: String) {
        if self.given.insert(setting.name, value).is_some() {
            let name = setting.name;
            self.problem(format!(
                "{name}: given twice, by itself and by {name}_FILE; keep one"
            ));
        }
    }

    /// Whether a value was given.
    pub(super) fn has(&self, setting: Setting) -> bool {
        self.given.contains_key(setting.name)
    }

    /// Notes something that is wrong.
    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The setting's value if it was given and can be read; otherwise what is wrong is noted.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let given = self.given.get(setting.name)?;
        match parse(given) {
            Ok(value) => Some(value),
            Err(error) => {
                let shown = match setting.secrecy {
                    Secrecy::Plain => format!(" (it is `{given}`)"),
                    Secrecy::Secret => String::new(),
                };
                self.problems.push(format!(
                    "{}: must be {}{shown}: {error}",
                    setting.name, setting.form
                ));
                None
            }
        }
    }

    /// The setting's value, or its default, also when what was given cannot be read and was noted.
    pub(super) fn value<T, E: Display>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        self.optional(setting, &parse)
            .or_else(|| match setting.default {
                Default::Value(value) => parse(value).ok(),
                Default::Absent(_) => None,
            })
            .expect("a setting read by `value` has a default that parses: a test reads them all")
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&mut self, setting: Setting, bounds: std::ops::RangeInclusive<T>) -> T
    where
        T: FromStr<Err: Display> + PartialOrd,
    {
        self.value(setting, |text| match text.parse::<T>() {
            Ok(number) if bounds.contains(&number) => Ok(number),
            Ok(_) => Err("out of bounds".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// What was read, unless something was wrong.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Problems> {
        if self.problems.is_empty() {
            Ok(read)
        } else {
            Err(Problems(self.problems))
        }
    }
}

fn read(path: &str) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut content = String::new();
    std::fs::File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut content)?;
    Ok(content)
}
