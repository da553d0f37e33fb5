//! Who runs the server. PostgreSQL refuses to be root, and containers and CI often are.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::{
    Error,
    binaries::Binaries,
    layout::{Layout, failed},
};

/// The unprivileged accounts to look for, best first: Debian's package makes `postgres`, `nobody` is everywhere.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// As whom the server's programs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// As ourselves.
    Same,
    /// As another user, who owns the cluster's files.
    Other(User),
    /// As ourselves, but the program sees this user: for a data directory that nobody else can reach, as below `/root`.
    Namespace(User),
}

/// A user of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

/// We are root and there is nobody to run the server.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// No account.
    #[error(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`; run onhook as another user, or set DATABASE_URL"
    )]
    NoAccount,
    /// No way in.
    #[error("PostgreSQL does not run as root, user {uid} cannot reach {path}, and user namespaces are not available; choose another directory with ONHOOK_DATA_DIR, or set DATABASE_URL", path = path.display())]
    Unreachable {
        /// Who tried.
        uid: u32,
        /// Where to.
        path: PathBuf,
    },
}

impl Identity {
    /// Ourselves if we may; else the owner of the cluster that is there, or an unprivileged account.
    pub(super) async fn choose(layout: &Layout, binaries: &Binaries) -> Result<Self, Error> {
        if id(&["-u"]).await != Some(0) {
            return Ok(Self::Same);
        }
        let account = account().await;
        let identity = match (fs::metadata(layout.cluster()), account) {
            (Ok(cluster), _) if cluster.uid() != 0 => Self::Other(User {
                uid: cluster.uid(),
                gid: cluster.gid(),
            }),
            (_, None) => return Err(Unusable::NoAccount.into()),
            (Ok(_), Some(account)) => Self::Namespace(account),
            (Err(_), Some(account)) => {
                let other = Self::Other(account);
                if other.reaches(layout.home(), binaries).await {
                    other
                } else {
                    Self::Namespace(account)
                }
            }
        };
        match identity {
            Self::Same => {}
            Self::Other(user) => tracing::info!(
                uid = user.uid,
                "we are root: PostgreSQL runs as another user"
            ),
            Self::Namespace(user) => {
                tracing::info!(
                    uid = user.uid,
                    "we are root: PostgreSQL runs in a user namespace that shows it another user"
                );
            }
        }
        if identity.reaches(layout.home(), binaries).await {
            Ok(identity)
        } else {
            let uid = account.map_or(0, |account| account.uid);
            Err(Unusable::Unreachable {
                uid,
                path: layout.home().to_owned(),
            }
            .into())
        }
    }

    /// A command of this identity, with nothing of our environment but the search path.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = match self {
            Self::Same => Command::new(program),
            Self::Other(user) => {
                let mut command = Command::new(program);
                // Drops the supplementary groups too.
                command.uid(user.uid).gid(user.gid);
                command
            }
            Self::Namespace(user) => {
                let mut command = Command::new("unshare");
                command
                    .arg("--user")
                    .arg(format!("--map-user={}", user.uid))
                    .arg(format!("--map-group={}", user.gid))
                    .arg("--")
                    .arg(program);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    /// Makes a directory that only this identity can enter.
    pub(super) fn make_private(self, layout: &Layout, path: &Path) -> Result<(), Error> {
        layout.make_private(path)?;
        match self {
            Self::Same | Self::Namespace(_) => Ok(()),
            Self::Other(user) => {
                chown(path, Some(user.uid), Some(user.gid)).map_err(failed("hand over", path))
            }
        }
    }

    async fn reaches(self, home: &Path, binaries: &Binaries) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", r#"cd "$1" && test -x "$2""#, "sh"])
            .arg(home)
            .arg(binaries.program("initdb"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}

async fn account() -> Option<User> {
    for name in ACCOUNTS {
        if let (Some(uid), Some(gid)) = (id(&["-u", name]).await, id(&["-g", name]).await) {
            return Some(User { uid, gid });
        }
    }
    None
}

/// Asks the system, whichever directory service it uses.
async fn id(arguments: &[&str]) -> Option<u32> {
    let said: io::Result<_> = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .await;
    String::from_utf8(said.ok()?.stdout)
        .ok()?
        .trim()
        .parse()
        .ok()
}
