//! Where the key that seals stored secrets comes from: a setting, or a file that the first start makes.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{ExposeSecret as _, SecretString};

use crate::seal::{NotKeys, SealingKey};

/// The key file's name in the data directory.
const FILE_NAME: &str = "secret.key";

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum SecretKey {
    /// It was given.
    Given(Arc<SealingKey>),
    /// It is in this file, or will be.
    File(PathBuf),
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or made.
    #[error("the secret key file {} cannot be read or made; with DATABASE_URL and ONHOOK_SECRET_KEY set, none is needed", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something else in it.
    #[error("the secret key file {} holds no key", path.display())]
    NotKeys {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: NotKeys,
    },
}

impl SecretKey {
    /// The key file of a data directory.
    pub(super) fn in_dir(data_dir: &Path) -> Self {
        Self::File(data_dir.join(FILE_NAME))
    }

    /// The key. Makes the file at the first start.
    pub fn read_or_make(&self) -> Result<Arc<SealingKey>, KeyFileError> {
        match self {
            Self::Given(key) => Ok(Arc::clone(key)),
            Self::File(path) => parse(path, read_or_make(path)),
        }
    }

    /// The key, if there is one already.
    pub fn read(&self) -> Result<Option<Arc<SealingKey>>, KeyFileError> {
        match self {
            Self::Given(key) => Ok(Some(Arc::clone(key))),
            Self::File(path) if path.exists() => parse(path, read(path)).map(Some),
            Self::File(_) => Ok(None),
        }
    }
}

fn parse(path: &Path, text: io::Result<SecretString>) -> Result<Arc<SealingKey>, KeyFileError> {
    let text = text.map_err(|source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    })?;
    let key = SealingKey::parse(&text).map_err(|source| KeyFileError::NotKeys {
        path: path.to_owned(),
        source,
    })?;
    Ok(Arc::new(key))
}

fn read_or_make(path: &Path) -> io::Result<SecretString> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    // Written aside and linked into place: whoever reads the name sees a whole key, and of two first starts one wins.
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(file, "{}", SealingKey::generate().expose_secret())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => read(path),
    }
}

fn read(path: &Path) -> io::Result<SecretString> {
    Ok(fs::read_to_string(path)?.trim().into())
}
