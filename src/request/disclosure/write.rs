//! Writing a package: complete under its name, or not there at all.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use super::package::PackageFile;
use crate::keyfile::hex;

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something has the name already.
    #[error("`{}` is there already: nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("`{}` cannot be written", .path.display())]
    Io {
        /// The package.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The command that is to encrypt it does not.
    #[error("the command of `--encrypt-with` failed: {reason}")]
    Encrypt {
        /// What it ended with.
        reason: String,
    },
    /// It was asked to stop.
    #[error("interrupted: no package was left")]
    Stopped,
}

/// Refuses a name that something has, or whose directory there is not.
///
/// # Errors
/// When nothing can be made there.
pub fn may_be_made(target: &Path) -> Result<(), WriteError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(WriteError::Exists(target.to_owned()));
    }
    fs::read_dir(parent(target)).map(drop).map_err(io_error(target))
}

/// Writes the files into a new directory, or into a zip archive if the name ends so or it is encrypted. All is of mode
/// `0600`, under another name beside the target until it is on disk. Gives the package's digest.
///
/// With `encrypt_with`, a command of the shell, the archive goes through it, and what it prints is the package; nothing
/// is written that has not gone through it.
///
/// # Errors
/// When it cannot be written; then nothing of it is left.
pub fn write(
    files: &[PackageFile],
    target: &Path,
    encrypt_with: Option<&str>,
    stop: &AtomicBool,
) -> Result<String, WriteError> {
    may_be_made(target)?;
    remove_abandoned(target);
    let draft = draft_of(target, &std::process::id().to_string());
    let is_zip = target.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let is_file = is_zip || encrypt_with.is_some();
    let written = match encrypt_with {
        Some(command) => archive(files, stop).and_then(|zip| write_through(command, &zip, &draft)),
        None if is_zip => archive(files, stop).and_then(|zip| write_file(&zip, &draft).map_err(io_error(target))),
        None => write_directory(files, &draft, stop),
    };
    let finished = written.and_then(|()| {
        go_on(stop)?;
        give_name(&draft, target, is_file)?;
        File::open(parent(target)).and_then(|dir| dir.sync_all()).map_err(io_error(target))
    });
    if let Err(error) = finished {
        remove(&draft);
        return Err(error);
    }
    digest(files, target, is_file).map_err(io_error(target))
}

/// The digest of a package: of a file its SHA-256; of a directory that of a list of its files, as `sha256sum` in
/// order of names gives it.
fn digest(files: &[PackageFile], target: &Path, is_file: bool) -> io::Result<String> {
    if is_file {
        return Ok(hex(&Sha256::digest(fs::read(target)?)));
    }
    let mut lines: Vec<String> =
        files.iter().map(|file| format!("{}  {}\n", hex(&Sha256::digest(&file.bytes)), file.name)).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    Ok(hex(&Sha256::digest(lines.concat())))
}

fn write_directory(files: &[PackageFile], draft: &Path, stop: &AtomicBool) -> Result<(), WriteError> {
    let mut private = DirBuilder::new();
    private.mode(0o700);
    private.create(draft).map_err(io_error(draft))?;
    let mut dirs = BTreeSet::new();
    for file in files {
        go_on(stop)?;
        let path = draft.join(&file.name);
        let dir = path.parent().unwrap_or(draft);
        if !dir.exists() {
            private.create(dir).map_err(io_error(draft))?;
        }
        let written = open_new(&path).and_then(|mut out| {
            out.write_all(&file.bytes)?;
            out.sync_all()
        });
        written.map_err(io_error(draft))?;
        dirs.insert(dir.to_owned());
    }
    for dir in dirs {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error(draft))?;
    }
    File::open(draft).and_then(|dir| dir.sync_all()).map_err(io_error(draft))
}

/// The files as a zip archive, in memory.
fn archive(files: &[PackageFile], stop: &AtomicBool) -> Result<Vec<u8>, WriteError> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o600);
    for file in files {
        go_on(stop)?;
        let added = zip.start_file(file.name.as_str(), options).map_err(io::Error::other);
        added.and_then(|()| zip.write_all(&file.bytes)).map_err(io_error(Path::new(&file.name)))?;
    }
    let archive = zip.finish().map_err(io::Error::other).map_err(io_error(Path::new("the archive")))?;
    Ok(archive.into_inner())
}

fn write_file(bytes: &[u8], draft: &Path) -> io::Result<()> {
    let mut out = open_new(draft)?;
    out.write_all(bytes)?;
    out.sync_all()
}

/// Writes what a command makes of some bytes.
fn write_through(command: &str, bytes: &[u8], draft: &Path) -> Result<(), WriteError> {
    let failed = |reason: String| WriteError::Encrypt { reason };
    let out = open_new(draft).map_err(io_error(draft))?;
    let printed = out.try_clone().map_err(io_error(draft))?;
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(printed)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let given = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(bytes));
    let ended = child.wait().map_err(|error| failed(error.to_string()))?;
    if !ended.success() {
        return Err(failed(ended.to_string()));
    }
    given.map_err(|error| failed(format!("it did not read the archive: {error}")))?;
    out.sync_all().map_err(io_error(draft))?;
    if out.metadata().map_err(io_error(draft))?.len() == 0 {
        return Err(failed("it printed nothing".to_owned()));
    }
    Ok(())
}

/// Gives a draft its name, which nothing has.
fn give_name(draft: &Path, target: &Path, is_file: bool) -> Result<(), WriteError> {
    if is_file {
        // A second name is refused where there is one already, which a rename is not. Not every file system has them.
        match fs::hard_link(draft, target) {
            Ok(()) => return fs::remove_file(draft).map_err(io_error(target)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(WriteError::Exists(target.to_owned()));
            }
            Err(_) => {}
        }
    }
    may_be_made(target)?;
    fs::rename(draft, target).map_err(io_error(target))
}

fn go_on(stop: &AtomicBool) -> Result<(), WriteError> {
    if stop.load(Ordering::Relaxed) { Err(WriteError::Stopped) } else { Ok(()) }
}

fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name under which a package is written: hidden, and beside it, so that it is renamed within one file system.
fn draft_of(target: &Path, by: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    parent(target).join(format!(".{name}.{by}.partial"))
}

/// Removes what an earlier attempt at the same package left when it was killed.
fn remove_abandoned(target: &Path) {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs::read_dir(parent(target)).into_iter().flatten().flatten() {
        let of = entry.file_name().to_string_lossy().into_owned();
        let by = of.strip_prefix(&format!(".{name}.")).and_then(|rest| rest.strip_suffix(".partial"));
        let is_alive = |by: &str| Path::new("/proc").join(by).exists();
        if by.is_some_and(|by| !by.is_empty() && by.bytes().all(|b| b.is_ascii_digit()) && !is_alive(by)) {
            remove(&entry.path());
        }
    }
}

fn remove(draft: &Path) {
    let _ = if draft.is_dir() { fs::remove_dir_all(draft) } else { fs::remove_file(draft) };
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> WriteError {
    let path = path.to_owned();
    move |cause| WriteError::Io { path: path.clone(), cause }
}
