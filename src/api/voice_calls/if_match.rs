//! `If-Match`: the versions of the call that a change is meant for.

use axum::http::{HeaderMap, header};

/// The versions; `None` if any will do. A tag that is not one of ours is no version, so that it matches nothing.
pub fn versions(headers: &HeaderMap) -> Option<Vec<i64>> {
    let mut asked = headers.get_all(header::IF_MATCH).iter().peekable();
    asked.peek()?;
    let mut versions = Vec::new();
    for value in asked {
        for tag in value.to_str().unwrap_or_default().split(',') {
            match tag.trim() {
                "*" => return None,
                tag => versions.extend(version(tag)),
            }
        }
    }
    Some(versions)
}

fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, header, versions};

    #[test]
    fn only_strong_tags_of_ours_are_versions() {
        for (value, expected) in [
            ("\"7\"", Some(vec![7])),
            ("\"7\", \"9\"", Some(vec![7, 9])),
            ("W/\"7\"", Some(vec![])),
            ("7", Some(vec![])),
            ("\"x\"", Some(vec![])),
            ("*", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, value.parse().unwrap());
            assert_eq!(versions(&headers), expected, "{value}");
        }
        assert_eq!(versions(&HeaderMap::new()), None);
    }
}
