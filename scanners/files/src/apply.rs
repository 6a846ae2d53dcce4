//! Writing into files: a new file beside the old one, then in its place.
//!
//! The old file stays as it is until the new one is whole, on disk, and known to have been made of what the old one still
//! is; then it is renamed over the old one, which no other program ever sees half. Whoever is killed meanwhile leaves the
//! old file or the new one, and beside it perhaps a [`Beside`] that the next writing removes.
//!
//! A file with further names (hard links) is refused: under these its old content would stay. Symbolic links are written
//! through: what they lead to is replaced, the link stays.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use residuum_formats::ReadAt;
use residuum_formats::edit::{self, Plan, Unwritten};
use residuum_source::{Ability, Apply, Editor, Limits, Receipt, Refusal, RefusalKind, SourceError, Target};

use crate::beside::{Beside, Digest, remove_leftovers};
use crate::{FileAt, Files, TableFormat, walk};

impl Apply for Files {
    fn ability(&self, formats: &[&str]) -> Ability {
        edit::ability(formats)
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        let mut receipts = Vec::new();
        for target in targets {
            match self.edit(target, limits, editor) {
                Ok(receipt) => receipts.extend(receipt),
                Err(refusal) => editor.refused(&target.object, None, refusal),
            }
        }
        Ok(receipts)
    }
}

impl Files {
    /// Edits one file; nothing if there was nothing to do.
    fn edit(&self, target: &Target, limits: &Limits, editor: &mut dyn Editor) -> Result<Option<Receipt>, Refusal> {
        let path = self.real_path(target)?;
        let old = Old::open(&path)?;
        if let Some(version) = &target.version
            && version.sound
            && *version != walk::version(&old.metadata)
        {
            return Err(changed("it is no longer what was scanned; scan it again"));
        }
        remove_leftovers(&path);
        let before = old.digest()?;
        let input: Arc<dyn ReadAt> = old.file.clone();
        let plan = edit::plan(&target.object, &input, &target.records, limits, editor);
        if plan.is_empty() {
            return Ok(None);
        }
        old.is_writable()?;
        let mut receipt = Receipt {
            object: target.object.as_str().to_owned(),
            deleted: plan.deleted,
            changed: plan.changed,
            before: Some(before),
            ..Receipt::default()
        };
        if plan.removes_object() {
            old.is_as_it_was(before)?;
            fs::remove_file(&path).map_err(|error| not_written(&error))?;
            sync_directory(&path);
            receipt.notes.push("the file was removed".to_owned());
            return Ok(Some(receipt));
        }
        let (after, notes) = self.write(&old, &input, &plan, before)?;
        (receipt.after, receipt.notes) = (Some(after), notes);
        Ok(Some(receipt))
    }

    /// Writes the new file and puts it in the place of the old one; gives its digest.
    fn write(
        &self,
        old: &Old,
        input: &Arc<dyn ReadAt>,
        plan: &Plan,
        before: [u8; 32],
    ) -> Result<([u8; 32], Vec<String>), Refusal> {
        let mut new = Beside::create(&old.path).map_err(|error| not_written(&error))?;
        stop_here("created")?;
        plan.write(input, &mut new).map_err(|unwritten| match unwritten {
            Unwritten::Output(error) => not_written(&error),
            Unwritten::Input(fault) => edit::refusal(&fault),
        })?;
        let after = new.digest();
        stop_here("written")?;
        let notes = new.take_after(&old.file_handle()?, &old.metadata).map_err(|error| {
            let reason = format!(
                "the new file cannot be given the old one's owner or access list ({error}); run as the owner of the file"
            );
            Refusal::new(RefusalKind::ReadOnly, reason)
        })?;
        new.sync().map_err(|error| not_written(&error))?;
        stop_here("synced")?;
        old.is_as_it_was(before)?;
        new.replace(&old.path).map_err(|error| not_written(&error))?;
        stop_here("renamed")?;
        sync_directory(&old.path);
        Ok((after, notes))
    }

    /// The file behind an object's name, unless it is not to be written.
    fn real_path(&self, target: &Target) -> Result<PathBuf, Refusal> {
        let named = self.path_of(&target.object);
        let path = named.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => changed("there is no such file any more"),
            _ => not_written(&error),
        })?;
        let is_inside = path.starts_with(&self.root);
        if !is_inside && !self.options.follow_symlinks {
            let reason = "it leads out of this source, which is not followed; make the target a source of its own";
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        if let Some(table) = self.table_of(&target.object) {
            let cure = match table {
                TableFormat::Delta => {
                    "run `DELETE FROM … WHERE …` (or `UPDATE`) in the engine that writes it, then `VACUUM … RETAIN 0 HOURS`"
                }
                TableFormat::Iceberg => {
                    "run `DELETE FROM … WHERE …` (or `UPDATE`) in the engine that writes it, then `rewrite_data_files`, \
                     `expire_snapshots` and `remove_orphan_files`"
                }
            };
            let reason =
                format!("the file belongs to {}, which must not be changed behind its log: {cure}", table.name());
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        Ok(path)
    }
}

/// The file as it is.
struct Old {
    path: PathBuf,
    file: Arc<FileAt>,
    metadata: Metadata,
}

impl Old {
    fn open(path: &Path) -> Result<Self, Refusal> {
        let metadata = fs::metadata(path).map_err(|error| not_written(&error))?;
        if !metadata.is_file() {
            return Err(changed("it is no file any more"));
        }
        let file = FileAt::open(path).map_err(|error| not_written(&error))?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file), metadata })
    }

    fn file_handle(&self) -> Result<File, Refusal> {
        File::open(&self.path).map_err(|error| not_written(&error))
    }

    /// The digest of its bytes.
    fn digest(&self) -> Result<[u8; 32], Refusal> {
        let (mut digest, mut at, mut buffer) = (Digest::default(), 0, vec![0; 256 << 10]);
        loop {
            match self.file.read_at(&mut buffer, at) {
                Ok(0) => return Ok(digest.finish()),
                Ok(n) => {
                    digest.update(&buffer[..n]);
                    at += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(not_written(&error)),
            }
        }
    }

    /// Whether it may be replaced.
    fn is_writable(&self) -> Result<(), Refusal> {
        let links = self.metadata.nlink();
        if links > 1 {
            let reason = format!(
                "the file has {links} names (hard links), and under the others its old content would stay: remove the \
                 others, or make this one a copy"
            );
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        if self.metadata.mode() & 0o222 == 0 {
            let reason = "the file is write-protected; if it may be changed, allow it with `chmod u+w`";
            return Err(Refusal::new(RefusalKind::ReadOnly, reason));
        }
        // It is not written to; but who may not write to it shall not replace it either.
        File::options().write(true).open(&self.path).map(drop).map_err(|error| not_written(&error))
    }

    /// Whether it still is what was read.
    fn is_as_it_was(&self, digest: [u8; 32]) -> Result<(), Refusal> {
        let state = |m: &Metadata| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        let is_same = |now: Metadata| state(&now) == state(&self.metadata);
        let before = fs::symlink_metadata(&self.path).is_ok_and(is_same);
        if before && self.digest()? == digest && fs::symlink_metadata(&self.path).is_ok_and(is_same) {
            return Ok(());
        }
        Err(changed("another program changed it while it was read; it was left alone: try again when it is at rest"))
    }
}

fn changed(reason: &str) -> Refusal {
    Refusal::new(RefusalKind::Changed, reason)
}

/// Why a file is not written, with the cure.
fn not_written(error: &io::Error) -> Refusal {
    const NOT_PERMITTED: i32 = 1;
    let (kind, reason) = match error.kind() {
        io::ErrorKind::NotFound => (RefusalKind::Changed, "there is no such file any more".to_owned()),
        io::ErrorKind::PermissionDenied if error.raw_os_error() == Some(NOT_PERMITTED) => {
            let reason = "the system does not permit it: the file or its directory may be immutable (`lsattr` shows it, \
                          `chattr -i` allows it)";
            (RefusalKind::ReadOnly, reason.to_owned())
        }
        io::ErrorKind::PermissionDenied => {
            let reason = "no right to write: run as a user who may write the file and its directory";
            (RefusalKind::ReadOnly, reason.to_owned())
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            (RefusalKind::ReadOnly, "the file system is mounted read-only; mount it for writing".to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            let reason = "there is no room for the new file beside the old one; free as much as the file has";
            (RefusalKind::Failed, format!("{reason} ({error})"))
        }
        io::ErrorKind::ExecutableFileBusy => (RefusalKind::Locked, "another program is running it".to_owned()),
        _ => (RefusalKind::Failed, format!("writing failed: {error}")),
    };
    Refusal::new(kind, reason)
}

/// Makes a new name last. That the file is whole does not depend on it, so that a file system that cannot is no error.
fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent().and_then(|parent| File::open(parent).ok()) {
        let _ = directory.sync_all();
    }
}

/// Where a test ends the writing as a killed process would: nothing is tidied up.
#[cfg(test)]
pub(crate) mod fault {
    use std::cell::Cell;

    thread_local! {
        pub(crate) static AT: Cell<Option<&'static str>> = const { Cell::new(None) };
    }
}

#[cfg(test)]
fn stop_here(point: &str) -> Result<(), Refusal> {
    match fault::AT.get() {
        Some(at) if at == point => Err(Refusal::new(RefusalKind::Failed, "killed")),
        _ => Ok(()),
    }
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "a test ends the writing here")]
fn stop_here(_: &str) -> Result<(), Refusal> {
    Ok(())
}

#[cfg(test)]
mod tests;
