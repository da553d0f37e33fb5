//! Which format an `Accept` header asks for (RFC 9110, 12.5.1).

use axum::http::{HeaderMap, header};

use crate::{
    api::error::{Code, Error},
    domain::call_export::Format,
};

/// What can be given, the one that is given where both are as welcome first.
const GIVEN: [(&str, &str, Format); 2] = [
    ("application", "x-ndjson", Format::Ndjson),
    ("text", "csv", Format::Csv),
];

/// The format that is most welcome.
pub(super) fn format(headers: &HeaderMap) -> Result<Format, Error> {
    let lines: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    chosen(&lines.join(",")).ok_or_else(not_acceptable)
}

/// `Accept` takes neither.
pub fn not_acceptable() -> Error {
    let told = "there is application/x-ndjson and text/csv; or say format=ndjson, csv or csv-safe";
    Error::new(Code::NotAcceptable, told)
}

fn chosen(accept: &str) -> Option<Format> {
    if accept.trim().is_empty() {
        return Some(Format::Ndjson);
    }
    let mut best = None;
    for (kind, subtype, format) in GIVEN {
        let quality = quality(accept, kind, subtype);
        if quality > best.map_or(0.0, |(quality, _)| quality) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

/// How welcome a media type is: what the most specific range says that it is in, and 0 if it is in none.
fn quality(accept: &str, kind: &str, subtype: &str) -> f32 {
    let mut found = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = match media.split_once('/') {
            Some(("*", "*")) => 1,
            Some((of, "*")) if of == kind => 2,
            Some((of, sub)) if of == kind && sub == subtype => 3,
            Some(_) | None => 0,
        };
        let quality = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0));
        if specificity > found.0 {
            found = (specificity, quality);
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::{Format, chosen};

    #[test]
    fn the_most_welcome_format_is_chosen() {
        for (accept, expected) in [
            ("", Some(Format::Ndjson)),
            ("*/*", Some(Format::Ndjson)),
            ("text/csv", Some(Format::Csv)),
            ("TEXT/CSV; charset=utf-8", Some(Format::Csv)),
            ("text/*", Some(Format::Csv)),
            ("application/json, text/plain, */*", Some(Format::Ndjson)),
            ("application/x-ndjson;q=0.5, text/csv", Some(Format::Csv)),
            ("text/csv;q=0.5, */*", Some(Format::Ndjson)),
            ("application/x-ndjson;q=0, */*", Some(Format::Csv)),
            ("text/csv;q=0", None),
            ("text/csv;q=high", None),
            ("application/json", None),
            ("nonsense", None),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
    }
}
