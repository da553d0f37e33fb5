//! Settings: what is read, what is refused, and that everything wrong is named at once.

use std::ffi::OsString;

use onhook::config::{Config, Database, setting};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn parse(given: &[(&str, &str)]) -> Result<Config, String> {
    let variables = given
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::parse(variables).map_err(|problems| problems.to_string())
}

#[test]
fn without_any_setting_the_defaults_hold() {
    let config = parse(&[("PATH", "/bin"), ("ONHOOK_LISTEN", " ")]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(&*config.public_url, "http://127.0.0.1:8080");
    assert!(matches!(config.database, Database::Embedded { .. }));
    assert!(config.jwt.is_none());
}

#[test]
fn every_bad_setting_is_named_at_once_with_its_remedy() {
    let bad = [
        ("ONHOOK_LISTEN", "localhost"),
        ("ONHOOK_PUBLIC_URL", "https://user@example.com/"),
        ("ONHOOK_BASE_DOMAIN", "http://example.com"),
        ("DATABASE_URL", "mysql://root:hunter2@db/onhook"),
        ("ONHOOK_DATABASE_CONNECTIONS", "1"),
        ("ONHOOK_ALLOW_WEAK_DURABILITY", "perhaps"),
        ("ONHOOK_SECRET_KEY", "hunter2"),
        ("ONHOOK_EGRESS_ALLOW", "10.0.0.0/33"),
        ("ONHOOK_JWT_ALGORITHM", "none"),
        ("ONHOOK_WORKERS", "many"),
        ("ONHOOK_INGEST_QUEUE", "-1"),
        ("ONHOOK_CONNECTIONS_PER_IP", "1e3"),
        ("ONHOOK_SHUTDOWN_GRACE_S", "0"),
        ("ONHOOK_LOG", "onhook=loud"),
        ("ONHOOK_LOG_FORMAT", "xml"),
        ("ONHOOK_LISTNE", "127.0.0.1:1"),
    ];
    let message = parse(&bad).unwrap_err();
    for (name, _) in bad {
        assert!(
            message.contains(&format!("{name}: ")),
            "{name} in {message}"
        );
    }
    for missing in ["ONHOOK_JWT_KEY", "ONHOOK_JWT_ISSUER", "ONHOOK_JWT_AUDIENCE"] {
        assert!(message.contains(&format!("{missing}: is required")));
    }
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn each_value_out_of_form_is_refused() {
    for (name, value) in [
        ("ONHOOK_LISTEN", ":8080"),
        ("ONHOOK_LISTEN", "127.0.0.1:65536"),
        ("ONHOOK_PUBLIC_URL", "example.com"),
        ("ONHOOK_PUBLIC_URL", "ftp://example.com"),
        ("ONHOOK_PUBLIC_URL", "https://example.com/?a=b"),
        ("ONHOOK_BASE_DOMAIN", "example.com:8080"),
        ("ONHOOK_BASE_DOMAIN", "a..b"),
        ("ONHOOK_SECRET_KEY", "AAECAwQFBgcICQoLDA0ODw=="),
        ("ONHOOK_SECRET_KEY_FILE", "/nonexistent/key"),
        ("ONHOOK_LISTEN_FILE", "/etc/hostname"),
        ("ONHOOK_JWT_ALGORITHM", "hs256"),
        ("onhook_LISTEN", "127.0.0.1:1"),
    ] {
        let refused = parse(&[(name, value)]).is_err();
        assert_eq!(refused, name.starts_with("ONHOOK_"), "{name}={value}");
    }
}

#[test]
fn a_given_database_needs_a_given_secret_key() {
    let database = ("DATABASE_URL", "postgres://onhook:hunter2@db/onhook");
    let message = parse(&[database]).unwrap_err();
    assert!(message.contains("ONHOOK_SECRET_KEY: is required with DATABASE_URL"));

    let config = parse(&[database, ("ONHOOK_SECRET_KEY", KEY)]).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}

#[test]
fn a_secret_may_be_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, format!("{KEY}\n")).unwrap();
    let file = ("ONHOOK_SECRET_KEY_FILE", path.to_str().unwrap());
    let database = ("DATABASE_URL", "postgres://db/onhook");
    assert!(parse(&[database, file]).is_ok());

    let message = parse(&[file, ("ONHOOK_SECRET_KEY", KEY)]).unwrap_err();
    assert!(message.contains("given twice"), "{message}");
}

#[test]
fn the_key_file_is_made_once_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = parse(&[("ONHOOK_DATA_DIR", data.to_str().unwrap())]).unwrap();
    let sealed = config.secret_key.read_or_make().unwrap().seal("here", b"x");
    let again = config.secret_key.read_or_make().unwrap();
    assert_eq!(again.open("here", &sealed).unwrap(), b"x");
    let mode = std::fs::metadata(data.join("secret.key")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn a_key_file_with_something_else_in_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret.key"), "").unwrap();
    let config = parse(&[("ONHOOK_DATA_DIR", dir.path().to_str().unwrap())]).unwrap();
    config.secret_key.read_or_make().unwrap_err();
}

#[test]
fn the_documents_are_those_that_the_table_makes() {
    for (path, made, command) in [
        ("docs/configuration.md", setting::markdown(), "docs"),
        (".env.example", setting::env_example(), "example"),
    ] {
        let kept = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")));
        assert!(
            kept.is_ok_and(|kept| kept == made),
            "{path} differs: `onhook config {command} > {path}`"
        );
    }
}
