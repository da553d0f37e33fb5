//! One owner per data directory: a lock on a file, which the system gives back however its holder ends.

use std::{
    fs::{self, File, TryLockError},
    io::{Seek as _, Write as _},
    time::Duration,
};

use super::{
    Error,
    layout::{Layout, failed},
};

/// How long to wait for a command, which is soon done.
const COMMAND_WAIT: Duration = Duration::from_secs(30);

/// How long a service waits for another: one that was killed may not be gone yet.
const SERVICE_WAIT: Duration = Duration::from_secs(2);

const POLL: Duration = Duration::from_millis(50);

/// What the owner is, for whoever comes second: commands end by themselves, services do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Service,
    Command,
}

/// Holds the data directory until it is dropped.
#[derive(Debug)]
pub(super) struct Owner {
    locked: File,
}

/// Takes the data directory, or says who has it.
pub(super) async fn acquire(layout: &Layout, purpose: Purpose) -> Result<Owner, Error> {
    let path = layout.lock();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("open", &path))?;
    let started = tokio::time::Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            Err(TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(&path).map_err(failed("read", &path))?;
                let wait = match purpose {
                    _ if !owner.starts_with(Purpose::Service.name()) => COMMAND_WAIT,
                    Purpose::Service => SERVICE_WAIT,
                    // It may use the service's server.
                    Purpose::Command => Duration::ZERO,
                };
                if started.elapsed() >= wait {
                    return Err(Error::InUse {
                        data_dir: layout.home().to_owned(),
                        owner: owner.trim().to_owned(),
                    });
                }
                tokio::time::sleep(POLL).await;
            }
        }
    }
    let line = format!("{}, process {}\n", purpose.name(), std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(line.as_bytes()))
        .map_err(failed("write", &path))?;
    Ok(Owner { locked: file })
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Closing the file is not enough while a child that is just being started has a copy of it.
        if let Err(error) = self.locked.unlock() {
            tracing::warn!(error = %error, "cannot unlock the data directory");
        }
    }
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Service => "a service",
            Self::Command => "a command",
        }
    }
}
