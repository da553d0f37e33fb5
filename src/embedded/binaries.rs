//! Where the server's programs are: on the machine, or fetched before by `./run`. Nothing is downloaded here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

/// The oldest major version that our SQL runs on.
const MAJOR_MIN: u32 = 15;

/// Folders that hold one folder per installed version: (folder, how their names begin).
const VERSION_FOLDERS: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", ""),
    ("/usr/lib", "postgresql"),
    ("/usr/libexec", "postgresql"),
    ("/usr", "pgsql-"),
    ("/usr/local", "pgsql"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ("/opt/local/lib", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// A folder with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

/// No server that can be used was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The setting is wrong.
    #[error("ONHOOK_POSTGRES_BIN is {}, which holds no usable `postgres` and `initdb` of version {wanted}", folder.display())]
    NotThere {
        /// What was set.
        folder: PathBuf,
        /// Which versions would do.
        wanted: String,
    },
    /// There is none.
    #[error(
        "no PostgreSQL {wanted} was found on this machine; run `{command}`, or set DATABASE_URL to a server elsewhere"
    )]
    NotInstalled {
        /// Which versions would do.
        wanted: String,
        /// What installs it here.
        command: String,
    },
}

impl Binaries {
    /// Looks in the order of trust: what was set, the search path, `pg_config`, the distributions' folders from the
    /// newest version down, what was fetched. A cluster that exists opens with the version that made it and no other.
    pub(super) async fn find(
        set: Option<&Path>,
        fetched: &Path,
        made_by: Option<u32>,
    ) -> Result<Self, Missing> {
        let wanted = Wanted(made_by);
        if let Some(folder) = set {
            for folder in [folder.to_owned(), folder.join("bin")] {
                if let Some(found) = Self::probe(&folder)
                    .await
                    .filter(|found| wanted.accepts(found.major))
                {
                    return Ok(found);
                }
            }
            return Err(Missing::NotThere {
                folder: folder.to_owned(),
                wanted: wanted.to_string(),
            });
        }
        let mut named = search_path();
        named.extend(pg_config().await);
        let installed = VERSION_FOLDERS
            .iter()
            .flat_map(|(folder, prefix)| versions(Path::new(folder), prefix))
            .collect();
        for (folders, order) in [
            (named, Order::AsListed),
            (installed, Order::NewestFirst),
            (versions(fetched, ""), Order::NewestFirst),
        ] {
            if let Some(found) = Self::first(folders, order, wanted).await {
                return Ok(found);
            }
        }
        Err(Missing::NotInstalled {
            command: install_command(made_by),
            wanted: wanted.to_string(),
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn major(&self) -> u32 {
        self.major
    }

    async fn first(folders: Vec<PathBuf>, order: Order, wanted: Wanted) -> Option<Self> {
        let mut found = Vec::new();
        for folder in folders {
            found.extend(
                Self::probe(&folder)
                    .await
                    .filter(|binaries| wanted.accepts(binaries.major)),
            );
        }
        match order {
            Order::AsListed => {}
            Order::NewestFirst => found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major)),
        }
        found.into_iter().next()
    }

    /// Whether the programs are there and run: fetched ones may want a newer C library.
    async fn probe(folder: &Path) -> Option<Self> {
        // The search path may hold a link to one program alone.
        let postgres = folder.join("postgres").canonicalize().ok()?;
        let folder = postgres.parent()?.to_owned();
        if !folder.join("initdb").is_file() {
            return None;
        }
        let said = Command::new(&postgres)
            .arg("--version")
            .output()
            .await
            .ok()?;
        let major = major(&String::from_utf8(said.stdout).ok()?)?;
        Some(Self { folder, major })
    }
}

#[derive(Debug, Clone, Copy)]
enum Order {
    AsListed,
    NewestFirst,
}

/// Which versions will do.
#[derive(Debug, Clone, Copy)]
struct Wanted(Option<u32>);

impl Wanted {
    fn accepts(self, major: u32) -> bool {
        match self.0 {
            Some(made_by) => major == made_by,
            None => major >= MAJOR_MIN,
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(made_by) => write!(f, "{made_by} (which made the database)"),
            None => write!(f, "{MAJOR_MIN} or newer"),
        }
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn search_path() -> Vec<PathBuf> {
    // Not a setting of ours, so not in `config`.
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

async fn pg_config() -> Option<PathBuf> {
    let said = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .await
        .ok()?;
    Some(String::from_utf8(said.stdout).ok()?.trim().into())
}

/// The `bin` of every version in a folder.
fn versions(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(io::Result::ok)
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
        })
        .flat_map(|entry| [entry.path().join("bin"), entry.path()])
        .collect()
}

/// The one command that installs a server on this system.
fn install_command(made_by: Option<u32>) -> String {
    if cfg!(target_os = "macos") {
        return format!("brew install postgresql@{}", made_by.unwrap_or(17));
    }
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system: Vec<&str> = system
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|names| names.trim_matches('"').split(' '))
        .collect();
    install_command_on(&system, made_by)
}

fn install_command_on(system: &[&str], made_by: Option<u32>) -> String {
    let is = |names: &[&str]| system.iter().any(|name| names.contains(name));
    let version = made_by.map(|major| major.to_string()).unwrap_or_default();
    let dashed = made_by.map(|major| format!("-{major}")).unwrap_or_default();
    if is(&["debian", "ubuntu"]) {
        format!("apt-get install postgresql{dashed}")
    } else if is(&["fedora", "rhel", "centos", "amzn"]) {
        format!("dnf install postgresql{version}-server")
    } else if is(&["alpine"]) {
        format!("apk add postgresql{}", made_by.unwrap_or(17))
    } else if is(&["suse", "opensuse"]) {
        format!("zypper install postgresql{version}-server")
    } else if is(&["arch"]) {
        "pacman -S postgresql".to_owned()
    } else {
        // In a checkout; it fetches a server through the package manager of a language.
        "./run".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_packaging() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18.4\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("something else\n"), None);
    }

    #[test]
    fn the_command_is_the_systems_own_and_names_the_version_that_made_the_cluster() {
        assert_eq!(
            install_command_on(&["ubuntu", "debian"], None),
            "apt-get install postgresql"
        );
        assert_eq!(
            install_command_on(&["debian"], Some(16)),
            "apt-get install postgresql-16"
        );
        assert_eq!(
            install_command_on(&["fedora"], None),
            "dnf install postgresql-server"
        );
        assert_eq!(install_command_on(&["nixos"], None), "./run");
    }

    #[tokio::test]
    async fn a_setting_that_points_nowhere_is_an_error_even_if_a_server_is_installed() {
        let missing =
            Binaries::find(Some(Path::new("/nowhere")), Path::new("/nowhere"), None).await;
        let Err(Missing::NotThere { folder, .. }) = missing else {
            panic!("{missing:?}");
        };
        assert_eq!(folder, Path::new("/nowhere"));
    }

    #[tokio::test]
    async fn a_cluster_of_a_version_that_is_not_here_is_not_opened_by_another() {
        let missing = Binaries::find(None, Path::new("/nowhere"), Some(9)).await;
        let Err(Missing::NotInstalled { wanted, .. }) = missing else {
            panic!("{missing:?}");
        };
        assert_eq!(wanted, "9 (which made the database)");
    }
}
