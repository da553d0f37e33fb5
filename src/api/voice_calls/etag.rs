//! The version of a call as its `ETag`, and what `If-Match` and `If-None-Match` say of it (RFC 9110).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The versions of the call that a change is meant for; `None` if any will do. A tag that is not one of ours is no version,
/// so that it matches nothing.
pub fn if_match(headers: &HeaderMap) -> Option<Vec<i64>> {
    match asked(headers, &header::IF_MATCH) {
        Asked::Nothing | Asked::Any => None,
        Asked::Tags(tags) => Some(tags.into_iter().filter_map(strong).collect()),
    }
}

/// Whether the client has this version of the call already. A weak tag will do for that.
pub fn none_match(headers: &HeaderMap, version: i64) -> bool {
    match asked(headers, &header::IF_NONE_MATCH) {
        Asked::Nothing => false,
        Asked::Any => true,
        Asked::Tags(tags) => tags
            .into_iter()
            .filter_map(|tag| strong(tag.strip_prefix("W/").unwrap_or(tag)))
            .any(|known| known == version),
    }
}

/// The tag of a version.
pub fn tag(version: i64) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{version}\"")).ok()
}

/// What a header of tags asks for.
enum Asked<'h> {
    Nothing,
    Any,
    Tags(Vec<&'h str>),
}

fn asked<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Asked<'h> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Asked::Nothing;
    }
    let lines = values.map(|value| value.to_str().unwrap_or_default());
    let tags: Vec<&str> = lines
        .flat_map(|line| line.split(',').map(str::trim))
        .collect();
    if tags.contains(&"*") {
        Asked::Any
    } else {
        Asked::Tags(tags)
    }
}

fn strong(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, header, if_match, none_match};

    #[test]
    fn only_strong_tags_of_ours_are_versions() {
        for (value, expected, has_seven) in [
            ("\"7\"", Some(vec![7]), true),
            ("\"7\", \"9\"", Some(vec![7, 9]), true),
            ("W/\"7\"", Some(vec![]), true),
            ("\"8\"", Some(vec![8]), false),
            ("7", Some(vec![]), false),
            ("\"x\"", Some(vec![]), false),
            ("*", None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, value.parse().unwrap());
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            assert_eq!(if_match(&headers), expected, "{value}");
            assert_eq!(none_match(&headers, 7), has_seven, "{value}");
        }
        assert_eq!(if_match(&HeaderMap::new()), None);
        assert!(!none_match(&HeaderMap::new(), 7));
    }
}
