//! What an earlier run may have left: a server that still runs, or a file that says so.
//!
//! We hold the owner's lock when this is called, so a server on our cluster is nobody's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::{
    super::layout::{self, Layout, failed},
    Error, cannot_run,
};

/// How long each signal gets.
const SIGNALS: [(&str, Duration); 2] = [
    ("INT", Duration::from_secs(30)),
    ("QUIT", Duration::from_secs(5)),
];

const POLL: Duration = Duration::from_millis(20);

/// Who the process is that the cluster's pid file names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Occupant {
    /// There is no such file, or no such process; PostgreSQL sees to that itself.
    Nobody,
    /// A server on this cluster.
    Server { pid: u32 },
    /// Somebody who has got the number since. PostgreSQL would take it for a server and refuse.
    Stranger,
}

/// Stops a server that was left, and removes a pid file that misleads.
pub(super) async fn clear(layout: &Layout) -> Result<(), Error> {
    match occupant(layout).await {
        Occupant::Nobody => Ok(()),
        Occupant::Stranger => {
            for file in pid_files(layout) {
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed("remove", &file)(error));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(())
        }
        Occupant::Server { pid } => {
            tracing::info!(pid, "stopping a server that was left on the cluster");
            for (signal, wait) in SIGNALS {
                send(signal, pid).await?;
                let sent = Instant::now();
                while sent.elapsed() < wait {
                    if occupant(layout).await != (Occupant::Server { pid }) {
                        return Ok(());
                    }
                    sleep(POLL).await;
                }
            }
            Err(layout.server_error("was left running and does not stop"))
        }
    }
}

fn pid_files(layout: &Layout) -> [PathBuf; 2] {
    let socket_lock = format!(".s.PGSQL.{}.lock", layout::PORT);
    [
        layout.cluster().join("postmaster.pid"),
        layout.socket_dir().join(socket_lock),
    ]
}

async fn occupant(layout: &Layout) -> Occupant {
    let [pid_file, _] = pid_files(layout);
    let written = fs::read_to_string(pid_file).unwrap_or_default();
    let Some(pid) = written
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok())
    else {
        return Occupant::Nobody;
    };
    let process = PathBuf::from(format!("/proc/{pid}"));
    if Path::new("/proc/self").exists() {
        // A server's working directory is its cluster.
        match fs::read_link(process.join("cwd")) {
            Ok(working_directory) if working_directory == layout.cluster() => {
                Occupant::Server { pid }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Occupant::Nobody,
            Ok(_) | Err(_) => Occupant::Stranger,
        }
    } else {
        let arguments = Command::new("ps")
            .args(["-o", "args=", "-p", &pid.to_string()])
            .stderr(Stdio::null())
            .output()
            .await;
        let arguments = arguments
            .map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
            .unwrap_or_default();
        if arguments.is_empty() {
            Occupant::Nobody
        } else if arguments.contains(&*layout.cluster().to_string_lossy()) {
            Occupant::Server { pid }
        } else {
            Occupant::Stranger
        }
    }
}

async fn send(signal: &str, pid: u32) -> Result<(), Error> {
    let shell = Path::new("/bin/sh");
    // It may have gone since: then there is nothing to be told.
    Command::new(shell)
        .args(["-c", r#"kill -s "$1" "$2""#, "sh", signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .await
        .map(drop)
        .map_err(cannot_run(shell))
}
