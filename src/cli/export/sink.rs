//! Where rows go: a file, or standard output. What was written wholly is known by its last call.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;

use super::{super::complain, kept};
use crate::domain::{call_export::Format, id::CallId};

/// Where rows go.
pub(super) struct Sink {
    to: Arc<Mutex<To>>,
    last: Option<CallId>,
    is_empty: bool,
}

enum To {
    File(File),
    StandardOutput(io::Stdout),
}

/// Whether rows were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// All of them.
    All,
    /// Nobody reads any more.
    Closed,
}

impl Sink {
    /// Standard output.
    pub(super) fn standard_output() -> Self {
        Self::new(To::StandardOutput(io::stdout()), None)
    }

    /// A new file, or one that is empty.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let is_new = file.metadata()?.len() == 0;
        anyhow::ensure!(
            is_new,
            "{} has something in it: --resume goes on with it",
            path.display()
        );
        Ok(Self::new(To::File(file), None))
    }

    /// What there is of an export in a file, without a row that was cut off; a new file if there is none.
    pub(super) fn resume(path: &Path, format: Format) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let kept = kept::look(&mut file, format)
            .with_context(|| format!("cannot go on with {}", path.display()))?;
        if kept.cut_bytes > 0 {
            let cut = kept.cut_bytes;
            complain(&format_args!(
                "{cut} bytes of a row that is not whole are cut off"
            ));
            file.set_len(kept.whole_bytes)?;
        }
        file.seek(SeekFrom::Start(kept.whole_bytes))?;
        let mut sink = Self::new(To::File(file), kept.last);
        sink.is_empty = kept.whole_bytes == 0;
        Ok(sink)
    }

    /// The last call that was written wholly.
    pub(super) fn last(&self) -> Option<CallId> {
        self.last
    }

    /// Whether there is nothing yet, not even a head.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Writes what stands before the rows.
    pub(super) async fn write_head(&mut self, head: String) -> anyhow::Result<()> {
        // If nobody reads, the first row finds out.
        self.put(head.into_bytes()).await?;
        self.is_empty = false;
        Ok(())
    }

    /// Writes rows, the last of which is of this call.
    pub(super) async fn write(&mut self, rows: Vec<u8>, last: CallId) -> anyhow::Result<Written> {
        let written = self.put(rows).await?;
        if written == Written::All {
            self.last = Some(last);
        }
        Ok(written)
    }

    /// Sees to it that a file is on its disk.
    pub(super) async fn finish(&self) -> anyhow::Result<()> {
        self.with(|to| match to {
            To::File(file) => file.sync_all(),
            To::StandardOutput(_) => Ok(()),
        })
        .await
        .context("the file could not be brought to its disk")
    }

    fn new(to: To, last: Option<CallId>) -> Self {
        Self {
            to: Arc::new(Mutex::new(to)),
            last,
            is_empty: true,
        }
    }

    async fn put(&self, bytes: Vec<u8>) -> anyhow::Result<Written> {
        let put = self.with(move |to| match to {
            To::File(file) => file.write_all(&bytes),
            To::StandardOutput(out) => out.write_all(&bytes).and_then(|()| out.flush()),
        });
        match put.await {
            Ok(()) => Ok(Written::All),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::Closed),
            Err(error) => Err(error).context("cannot write"),
        }
    }

    /// Off the threads that hear of signals: a reader that does not read holds a write for as long as it likes.
    async fn with(
        &self,
        work: impl FnOnce(&mut To) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let to = Arc::clone(&self.to);
        let done = tokio::task::spawn_blocking(move || {
            work(&mut to.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(io::Error::other)?
    }
}
