//! What a file has of an export: which rows are whole, and which call the last of them is.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek as _, SeekFrom},
};

use crate::domain::{call_export::Format, id::CallId};

/// Longer than any row: what goes on for so long is no export.
const ROW_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// So many bytes are whole rows.
    pub(super) whole_bytes: u64,
    /// So many stand behind them.
    pub(super) cut_bytes: u64,
    /// The call of the last whole row.
    pub(super) last: Option<CallId>,
}

/// Reads a file from its beginning, row by row: where a row of CSV ends depends on all quotes before it.
pub(super) fn look(file: &mut File, format: Format) -> anyhow::Result<Kept> {
    file.seek(SeekFrom::Start(0))?;
    let all = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1024 * 1024, file);
    let head = format.head();
    let mut kept = Kept {
        whole_bytes: 0,
        cut_bytes: 0,
        last: None,
    };
    let (mut row, mut last) = (Vec::new(), Vec::new());
    let mut needs_head = !head.is_empty();
    while next(&mut reader, format, &mut row)? {
        kept.whole_bytes += u64::try_from(row.len())?;
        if needs_head {
            anyhow::ensure!(
                row == head.as_bytes(),
                "its first line is not that of an export as {}",
                format.word()
            );
            needs_head = false;
        } else {
            std::mem::swap(&mut row, &mut last);
        }
    }
    if needs_head {
        anyhow::ensure!(
            head.as_bytes().starts_with(&row),
            "its first line is not that of an export as {}",
            format.word()
        );
    }
    if !last.is_empty() {
        let row = last.trim_ascii_end();
        let call = format.call_of(row);
        let call =
            call.ok_or_else(|| anyhow::anyhow!("its last row is not a call as {}", format.word()));
        kept.last = Some(call?);
    }
    kept.cut_bytes = all - kept.whole_bytes;
    Ok(kept)
}

/// Reads one row with its end; false if the file ends within it.
fn next(reader: &mut impl BufRead, format: Format, row: &mut Vec<u8>) -> anyhow::Result<bool> {
    row.clear();
    let mut is_quoted = false;
    loop {
        let from = row.len();
        if reader.read_until(b'\n', row)? == 0 {
            return Ok(false);
        }
        anyhow::ensure!(row.len() <= ROW_BYTES_MAX, "it has no ends of rows");
        let line = row.get(from..).unwrap_or_default();
        let quotes_are_odd = line.iter().fold(false, |odd, byte| odd ^ (*byte == b'"'));
        is_quoted ^= format != Format::Ndjson && quotes_are_odd;
        let ends = line.ends_with(b"\n");
        if ends && !is_quoted {
            return Ok(true);
        }
        if !ends {
            return Ok(false);
        }
    }
}
