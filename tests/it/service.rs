//! The service as a process of its own, to be killed.

use std::{
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use onhook::embedded;

use crate::{cluster::Database, deadline::eventually};

/// A running `onhook serve`.
pub(crate) struct Service {
    child: Child,
    url: String,
}

/// The settings of a service on a test database, for it and for the commands beside it.
#[derive(Debug, Clone)]
pub(crate) struct Settings(Vec<(String, String)>);

impl Settings {
    /// A port of its own, the test's database, and leave to reach the test's own receivers.
    pub(crate) fn on(database: &Database) -> Self {
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let key = "a".repeat(64);
        let set = [
            ("DATABASE_URL", database.url()),
            ("ONHOOK_LISTEN", &free.to_string()),
            ("ONHOOK_SECRET_KEY", &key),
            ("ONHOOK_EGRESS_ALLOW", "127.0.0.0/8"),
            ("ONHOOK_ALLOW_WEAK_DURABILITY", "1"),
            ("ONHOOK_LOG", "warn"),
        ];
        Self(
            set.into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// An embedded default like this one.
    pub(crate) fn embedded(cluster: &embedded::Settings) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
        let set = Self(Vec::new())
            .with("PATH", &path)
            .with("ONHOOK_LISTEN", &listen)
            .with("ONHOOK_DATA_DIR", cluster.data_dir.to_str().unwrap());
        match &cluster.postgres_bin {
            Some(folder) => set.with("ONHOOK_POSTGRES_BIN", folder.to_str().unwrap()),
            None => set,
        }
    }

    /// The same with another value of a setting.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(set, _)| set != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The binary with these settings and no others.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command.env_clear().envs(self.0.iter().cloned());
        command
    }

    /// Runs a command to its end and answers what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn listen(&self) -> &str {
        self.0
            .iter()
            .find(|(name, _)| name == "ONHOOK_LISTEN")
            .map(|(_, value)| value.as_str())
            .unwrap()
    }
}

impl Service {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(settings: &Settings) -> Self {
        Self::start_saying(settings, Stdio::null(), Stdio::inherit()).await
    }

    /// Starts it with what it prints and logs going elsewhere.
    pub(crate) async fn start_saying(settings: &Settings, print: Stdio, log: Stdio) -> Self {
        let child = settings
            .command()
            .arg("serve")
            .stdout(print)
            .stderr(log)
            .spawn()
            .unwrap();
        let service = Self {
            child,
            url: format!("http://{}", settings.listen()),
        };
        eventually(Duration::from_mins(1), "the service is ready", async || {
            let answer = reqwest::get(service.url("/readyz")).await;
            answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(())
        })
        .await;
        service
    }

    /// Where it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Asks it to stop, as an orchestrator does, and waits until it has.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let mut asked = Command::new("sh");
        asked.args(["-c", &format!("kill -TERM {pid}")]);
        assert!(asked.status().unwrap().success());
        eventually(Duration::from_mins(1), "the service stops", async || {
            self.child.try_wait().unwrap()
        })
        .await
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already dead after `kill`.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
