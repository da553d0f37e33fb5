//! Who may use whom. A new edge is a decision: change the table here in a commit of its own.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module and what it may name. Modules of one row may name each other.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("seal", &[]),
    ("supervisor", &[]),
    ("queue", &["domain", "store"]),
    ("jobs", &["domain", "queue"]),
    ("store", &["domain", "queue", "seal"]),
    ("egress", &["domain"]),
    ("providers", &["domain", "egress"]),
    ("rooms", &["domain", "egress", "providers"]),
    ("analysis", &["domain"]),
    ("llm", &["domain", "egress", "analysis", "metrics"]),
    ("audio", &["domain"]),
    ("recordings", &["domain", "egress", "audio"]),
    ("access", &["domain", "store"]),
    (
        "webhooks",
        &[
            "domain", "store", "queue", "jobs", "seal", "egress", "metrics", "analysis",
        ],
    ),
    (
        "calls",
        &[
            "domain",
            "store",
            "queue",
            "jobs",
            "seal",
            "egress",
            "providers",
            "rooms",
            "recordings",
            "analysis",
            "llm",
            "webhooks",
            "supervisor",
            "metrics",
        ],
    ),
    (
        "worker",
        &[
            "domain", "store", "queue", "jobs", "webhooks", "calls", "metrics",
        ],
    ),
    (
        "api",
        &[
            "domain",
            "store",
            "queue",
            "seal",
            "egress",
            "providers",
            "rooms",
            "analysis",
            "recordings",
            "webhooks",
            "calls",
            "access",
            "supervisor",
            "metrics",
        ],
    ),
];

/// Words that may stand in these folders only.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx::query", &["store", "queue/store.rs"]),
    ("query_scalar!", &["store", "queue/store.rs"]),
    ("query_as!", &["store", "queue/store.rs"]),
    ("QueryBuilder", &["store"]),
    ("axum::", &["api", "app", "simulate"]),
    ("reqwest::", &["egress"]),
    ("AssertSqlSafe", &["store", "embedded"]),
    ("tokio::spawn", &["supervisor"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every file below `src`, as its path there and its lines without comments.
fn sources() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    files(&source(), &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(source())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .map(str::to_owned);
            (name, code.collect())
        })
        .collect()
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

/// The crate's modules that a file names: `crate::x`, also in a nested import.
fn named(code: &[String]) -> BTreeSet<String> {
    let text = code.join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = text.get(at + "crate::".len()..).unwrap();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_i32;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(std::mem::take(&mut word));
                    }
                    _ if depth == 0 => word.push(letter),
                    _ => {}
                }
            }
            found.insert(word);
        } else {
            found.insert(rest.to_owned());
        }
    }
    found
        .into_iter()
        .map(|path| {
            path.trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        })
        .filter(|module| !module.is_empty())
        .collect()
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let own = module(&file);
        let Some((_, allowed)) = ALLOWED.iter().find(|(module, _)| *module == own) else {
            continue;
        };
        for used in named(&code) {
            let known = source().join(format!("{used}.rs")).exists();
            if known && used != own && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        for (word, homes) in CONFINED {
            let home = homes.iter().any(|home| {
                file == *home
                    || file.starts_with(&format!("{home}/"))
                    || file == format!("{home}.rs")
            });
            if !home && code.iter().any(|line| line.contains(word)) {
                wrong.push(format!("{file} has {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_adapter_names_no_other_adapter() {
    for (file, code) in sources() {
        for (band, adapters) in [
            (
                "providers",
                [
                    "asterisk",
                    "freeswitch",
                    "jambonz",
                    "plivo",
                    "signalwire",
                    "telnyx",
                    "twilio",
                    "vonage",
                ]
                .as_slice(),
            ),
            ("rooms", &["livekit"]),
        ] {
            let Some(own) = file.strip_prefix(&format!("{band}/")).map(module) else {
                continue;
            };
            for other in adapters.iter().filter(|other| **other != own) {
                assert!(
                    !code.iter().any(|line| line.contains(&format!("{other}::"))),
                    "{file} names {other}"
                );
            }
        }
    }
}

#[test]
fn files_open_with_their_purpose_and_stay_short() {
    for (file, code) in sources() {
        let text = fs::read_to_string(source().join(&file)).unwrap();
        assert!(text.starts_with("//!"), "{file} does not open with `//!`");
        let tests = code
            .iter()
            .position(|line| line.trim() == "#[cfg(test)]")
            .unwrap_or(code.len());
        assert!(tests <= 400, "{file} has {tests} lines");
    }
}
