//! What the first start on the embedded default prints: where things are, and what to try next.

use std::path::Path;

use crate::{config::Config, domain::account::DEFAULT_ACCOUNT};

/// The text, with the curls that work as they stand.
pub(super) fn text(config: &Config) -> String {
    let url = &config.public_url;
    let data = config.data_dir.display();
    let command = command(&config.data_dir);
    let open = if config.listen.ip().is_loopback() {
        "its voip surface is open, because only this machine can reach it"
    } else {
        "its voip surface asks for a key, because other machines can reach it; `onhook account set default --voip open` opens it"
    };
    format!(
        r#"
onhook is listening on {listen}. This was its first start:

  account     `{DEFAULT_ACCOUNT}`; {open}
  data        {data}/cluster, a PostgreSQL of its own
  secret key  {data}/secret.key; keep a copy apart from the data, stored secrets cannot be opened without it
  documents   {url}/docs, {url}/openapi.yaml

To try next:

  curl {url}/api/v1/voip/call-end -H 'content-type: application/json' -d '{{
    "From": "+1234567890", "To": "+1789451230", "CallId": "CA12345678904567890", "email": "user@example.com",
    "CallStatus": "completed", "RecordingUrl": "string", "Duration": "10", "Direction": "incoming"}}'

  KEY=$({command} key create --account {DEFAULT_ACCOUNT} --kind app)
  curl "{url}/calls/query" -H "authorization: Bearer $KEY"

  curl {url}/readyz
"#,
        listen = config.listen,
    )
}

/// How to run this binary in another shell, on the same data.
fn command(data_dir: &Path) -> String {
    let binary = std::env::current_exe().map_or_else(
        |_unknown| "onhook".to_owned(),
        |path| path.display().to_string(),
    );
    match std::path::absolute(data_dir) {
        Ok(data_dir) => format!("ONHOOK_DATA_DIR={} {binary}", data_dir.display()),
        Err(_) => binary,
    }
}
