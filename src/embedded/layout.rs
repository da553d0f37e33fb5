//! What lies where in the data directory, and who may look.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;

use super::Error;

/// Names the socket; nothing listens on a port.
pub(super) const PORT: u16 = 5432;

/// The shortest `sun_path` there is (macOS) holds 104 bytes, the last of which is NUL.
const SOCKET_PATH_MAX: usize = 103;

/// The log of an earlier start is kept once, when it has grown to this.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// How much of the log an error message repeats.
const LOG_LINES_SHOWN: usize = 8;

/// The paths of one data directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    home: PathBuf,
    socket_dir: PathBuf,
}

impl Layout {
    /// Makes the directory if need be.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(data_dir).map_err(failed("make the data directory", data_dir))?;
        let home = data_dir
            .canonicalize()
            .map_err(failed("resolve", data_dir))?;
        Ok(Self {
            socket_dir: socket_dir(&home),
            home,
        })
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.home.join("cluster")
    }

    /// Where a cluster is made, to be moved when it is whole: `initdb` can be interrupted.
    pub(super) fn cluster_in_making(&self) -> PathBuf {
        self.home.join("cluster.new")
    }

    pub(super) fn fetched(&self) -> PathBuf {
        self.home.join("postgres")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.home.join("owner.lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The major version that made the cluster, which is the only one that can open it.
    pub(super) fn major(&self) -> Result<Option<u32>, Error> {
        let path = self.cluster().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => match version.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(error) => Err(failed("understand", &path)(io::Error::other(error))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// Makes a directory that only its owner can enter. One that is there is taken over from the cluster's owner or from
    /// root, not from a stranger who was faster: it may be in `/tmp`.
    pub(super) fn make_private(&self, path: &Path) -> Result<(), Error> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("make", path)(error)),
        }
        let found = fs::symlink_metadata(path).map_err(failed("look at", path))?;
        let ours = fs::metadata(self.cluster()).is_ok_and(|cluster| cluster.uid() == found.uid());
        if !found.is_dir() || !(ours || found.uid() == 0) {
            return Err(failed("use", path)(io::ErrorKind::AlreadyExists.into()));
        }
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed("protect", path))
    }

    /// Whether the socket is in a directory of the cluster's owner that nobody else can enter.
    pub(super) fn socket_is_private(&self) -> io::Result<()> {
        let socket_dir = fs::symlink_metadata(&self.socket_dir)?;
        let cluster = fs::metadata(self.cluster())?;
        if socket_dir.is_dir()
            && socket_dir.mode() & 0o777 == 0o700
            && socket_dir.uid() == cluster.uid()
        {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
    }

    /// Opens the server's log to be added to.
    pub(super) fn open_log(&self) -> Result<File, Error> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            fs::rename(&path, self.home.join("postgres.log.1"))
                .map_err(failed("put aside", &path))?;
        }
        File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(failed("open", &path))
    }

    /// The last lines of the log.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
        lines.get(shown..).unwrap_or_default().join("\n")
    }

    /// The error of a server that did not do what it should.
    pub(super) fn server_error(&self, problem: &'static str) -> Error {
        Error::Server {
            problem,
            log: self.log(),
            said: self.log_tail(),
        }
    }
}

/// Says what was tried on which path.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        action,
        path,
        source,
    }
}

/// In the data directory, unless its path is longer than a socket's may be, or has what Postgres reads as a list.
fn socket_dir(home: &Path) -> PathBuf {
    let inside = home.join("run");
    let socket_name = format!("/.s.PGSQL.{PORT}");
    let bytes = inside.as_os_str().as_bytes();
    if bytes.len() + socket_name.len() <= SOCKET_PATH_MAX
        && !bytes.iter().any(|byte| b",\"".contains(byte))
    {
        return inside;
    }
    let hash = digest::digest(&digest::SHA256, home.as_os_str().as_bytes());
    let short = hex::encode(hash.as_ref().iter().take(8).copied().collect::<Vec<u8>>());
    // Not the user's temporary directory: a command must find the same one, and on macOS that is long too.
    Path::new("/tmp").join(format!("onhook-{short}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_in_the_data_directory_if_it_fits() {
        assert_eq!(
            socket_dir(Path::new("/srv/onhook")),
            Path::new("/srv/onhook/run")
        );
    }

    #[test]
    fn a_long_path_or_one_with_a_comma_gets_a_short_socket_directory() {
        let long = socket_dir(Path::new(&format!("/srv/{}", "x".repeat(90))));
        let comma = socket_dir(Path::new("/srv/a,b"));
        assert!(long.starts_with("/tmp") && comma.starts_with("/tmp"));
        assert_ne!(long, comma);
    }
}
