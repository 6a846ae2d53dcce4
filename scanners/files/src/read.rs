//! Reading one file, and noticing when it changes meanwhile.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use residuum_formats::{Input, ReadAt};
use residuum_source::{Batch, Coverage, Flow, Limits, ObjectPath, Outcome, Part, Sink};

/// An open file, read by position. It is never mapped: a mapped file that shrinks kills the process.
pub struct FileAt {
    file: File,
    size: u64,
}

impl FileAt {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for FileAt {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }
}

/// Reads a file into the sink.
pub(crate) fn read(object: &ObjectPath, path: &Path, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    // A pipe that took a file's place would block for ever when opened.
    let opened = std::fs::metadata(path)
        .and_then(|m| if m.is_file() { FileAt::open(path) } else { Err(io::Error::other("it is no longer a file")) });
    let opened = opened.and_then(|file| Ok((file.file.metadata()?, file)));
    let (before, file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "it was removed after it was listed; scan again".to_owned(),
                _ => why_not_opened(&error),
            };
            sink.open(Part { path: object.clone(), format: "unknown", encoding: None, primary_key: Vec::new() })?;
            return sink.close(Outcome::not_read(Coverage::Unreadable, reason));
        }
    };
    let mut watch = Watch { sink, path, before, open: 0 };
    residuum_formats::read(object, Input::Stored(Arc::new(file)), limits, &mut watch)
}

/// Why a file or directory cannot be opened, with the cure.
pub(crate) fn why_not_opened(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "permission denied; grant read access to the user who runs the scan".to_owned()
        }
        io::ErrorKind::NotFound => "it does not exist any more".to_owned(),
        _ => format!("it cannot be opened: {error}"),
    }
}

/// Passes everything on, and corrects the outcome of a file that changed while it was read.
struct Watch<'s> {
    sink: &'s mut dyn Sink,
    path: &'s Path,
    before: Metadata,
    open: usize,
}

impl Watch<'_> {
    fn what_happened(&self) -> Option<&'static str> {
        match std::fs::metadata(self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("it was removed while it was read"),
            Err(_) => Some("it became inaccessible while it was read"),
            Ok(after) => {
                let state = |m: &Metadata| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec());
                (state(&self.before) != state(&after)).then_some("it changed while it was read")
            }
        }
    }
}

impl Sink for Watch<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.open += 1;
        self.sink.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.sink.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.open -= 1;
        let changed = if self.open == 0 { self.what_happened() } else { None };
        let Some(what) = changed else {
            return self.sink.close(outcome);
        };
        let seen = outcome.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let reason = Some(format!("{what}{seen}; scan again when it is at rest"));
        self.sink.close(Outcome { coverage: Coverage::Unreadable, reason, ..outcome })
    }
}
