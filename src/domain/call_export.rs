//! Calls as rows of a file: NDJSON, or CSV in two ways. Pure. `docs/export.md` says what a cell is, byte for byte.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::{call_object::CallObject, id::CallId};

/// How a file of calls is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A Call object a line
    Ndjson,
    /// RFC 4180, cells exactly as they are
    Csv,
    /// CSV for spreadsheets: no cell begins a formula
    CsvSafe,
}

/// What a spreadsheet may take for the beginning of a formula, or for nothing in front of one; the last four are the same in
/// full width.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

impl Format {
    /// Every format and its word.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("ndjson", Self::Ndjson),
        ("csv", Self::Csv),
        ("csv-safe", Self::CsvSafe),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::CsvSafe => "csv-safe",
        }
    }

    /// What stands before the first row: the names of the columns, or nothing.
    pub fn head(self) -> String {
        match self {
            Self::Ndjson => String::new(),
            Self::Csv | Self::CsvSafe => format!("{}\r\n", CallObject::FIELDS.join(",")),
        }
    }

    /// Appends the row of a call, with its end of line.
    pub fn write(self, call: &CallObject, rows: &mut Vec<u8>) -> serde_json::Result<()> {
        self.write_line(&serde_json::to_vec(call)?, rows)
    }

    /// The same for a Call object that is JSON already.
    pub fn write_line(self, line: &[u8], rows: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Ndjson => {
                rows.extend(line);
                rows.push(b'\n');
            }
            Self::Csv | Self::CsvSafe => {
                let Cells(cells) = serde_json::from_slice(line)?;
                for (number, cell) in cells.into_iter().enumerate() {
                    if number > 0 {
                        rows.push(b',');
                    }
                    self.write_cell(cell, rows);
                }
                rows.extend(b"\r\n");
            }
        }
        Ok(())
    }

    /// Which call a row is of; the row without its end of line. Nothing if it is no row of this format.
    pub fn call_of(self, row: &[u8]) -> Option<CallId> {
        #[derive(Deserialize)]
        struct Named {
            id: CallId,
        }
        match self {
            Self::Ndjson => serde_json::from_slice(row).ok().map(|Named { id }| id),
            Self::Csv | Self::CsvSafe => {
                let cell = row.split(|byte| *byte == b',').next()?;
                let cell = std::str::from_utf8(cell).ok()?;
                cell.trim_matches('"').parse().ok()
            }
        }
    }

    fn write_cell(self, cell: Value, rows: &mut Vec<u8>) {
        match cell {
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) => rows.extend(cell.to_string().into_bytes()),
            Value::String(text) => self.write_text(&text, rows),
            Value::Array(_) | Value::Object(_) => self.write_text(&cell.to_string(), rows),
        }
    }

    fn write_text(self, text: &str, rows: &mut Vec<u8>) {
        let is_safe = self == Self::CsvSafe;
        // The empty text is something; null is not. Where a semicolon parts cells, quotes keep a text in one.
        let quoted = is_safe || text.is_empty() || text.contains([',', '"', '\r', '\n']);
        if !quoted {
            rows.extend(text.as_bytes());
            return;
        }
        rows.push(b'"');
        if is_safe && text.starts_with(FORMULA_STARTS) {
            rows.push(b'\'');
        }
        rows.extend(text.replace('"', "\"\"").into_bytes());
        rows.push(b'"');
    }
}

/// The values of an object in the order in which they stand.
struct Cells(Vec<Value>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CellsVisitor)
    }
}

struct CellsVisitor;

impl<'de> Visitor<'de> for CellsVisitor {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Cells, A::Error> {
        let mut cells = Vec::with_capacity(CallObject::FIELDS.len());
        while let Some((IgnoredAny, cell)) = entries.next_entry()? {
            cells.push(cell);
        }
        Ok(Cells(cells))
    }
}
