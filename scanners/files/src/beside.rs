//! The new file while it is made: beside the old one, so that it can be renamed over it, and readable by nobody else.
//!
//! Its name is `.NAME.residuum-XXXXXXXX`: four random hexadecimal digits, and four that follow from them and the name, by
//! which a leftover is told from a file that somebody called so. While it is made it is locked; what is ours and not
//! locked was left by a run that was killed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

/// SHA-256 of what passes.
#[derive(Default)]
pub(crate) struct Digest(sha2::Sha256);

impl Digest {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A file in the making.
pub(crate) struct Beside {
    path: PathBuf,
    file: File,
    digest: Digest,
    is_placed: bool,
}

impl Beside {
    /// Creates a file beside this one, which nobody else may read.
    pub fn create(old: &Path) -> io::Result<Self> {
        let mut attempts = 0;
        loop {
            let path = old.with_file_name(name_of(old, random()?));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    let new = Self { path, file, digest: Digest::default(), is_placed: false };
                    // A file system without locks takes none: then leftovers are told by the rest.
                    let _ = new.file.try_lock();
                    return Ok(new);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < 100 => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The digest of what was written.
    pub fn digest(&mut self) -> [u8; 32] {
        std::mem::take(&mut self.digest).finish()
    }

    /// Gives it the owner, the attributes and the mode of the old file. Says what could not be kept and does no harm.
    pub fn take_after(&self, old: &File, metadata: &Metadata) -> io::Result<Vec<String>> {
        let own = self.file.metadata()?;
        if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
            std::os::unix::fs::fchown(&self.file, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        let notes = copy_attributes(old, &self.file)?;
        // Last, for a change of owner takes bits away.
        self.file.set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))?;
        Ok(notes)
    }

    /// Waits until it is on disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Puts it in the place of the old file.
    pub fn replace(mut self, old: &Path) -> io::Result<()> {
        fs::rename(&self.path, old)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.digest.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        #[cfg(test)]
        if crate::apply::fault::AT.get().is_some() {
            return;
        }
        if !self.is_placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Copies extended attributes, access lists among them.
fn copy_attributes(old: &File, new: &File) -> io::Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut names = vec![0; 64 << 10];
    let len = match rustix::fs::flistxattr(old, &mut names[..]) {
        Ok(len) => len,
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => return Ok(notes),
        Err(error) => return Err(error.into()),
    };
    for name in names[..len].split(|&b| b == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 64 << 10];
        let len = rustix::fs::fgetxattr(old, name, &mut value[..])?;
        match rustix::fs::fsetxattr(new, name, &value[..len], rustix::fs::XattrFlags::empty()) {
            Ok(()) => {}
            // What the system sets itself, such as labels, is not ours to set; an access list is.
            Err(_) if name.starts_with(b"security.") || name.starts_with(b"trusted.") => {
                notes.push(format!("the attribute `{}` was not kept", String::from_utf8_lossy(name)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(notes)
}

/// Removes what runs that were killed left beside this file.
pub(crate) fn remove_leftovers(old: &Path) {
    let (Some(directory), Some(name)) = (old.parent(), old.file_name()) else { return };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_ours(&entry.file_name(), name) && is_left(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether nobody is making it.
fn is_left(path: &Path) -> bool {
    let is_plain = |m: Metadata| m.is_file() && m.nlink() == 1;
    fs::symlink_metadata(path).is_ok_and(is_plain)
        && File::options().write(true).open(path).is_ok_and(|file| file.try_lock().is_ok())
}

const MARK: &[u8] = b".residuum-";

/// Whether a name is one that [`name_of`] gives.
fn is_ours(name: &OsStr, old: &OsStr) -> bool {
    let digits = name.as_bytes().strip_prefix(beginning(old).as_slice());
    let random = digits.and_then(|digits| std::str::from_utf8(digits.get(..4)?).ok());
    let random = random.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    random.is_some_and(|random| name == name_with(old, random))
}

fn name_of(old: &Path, random: u16) -> OsString {
    name_with(old.file_name().unwrap_or_default(), random)
}

fn name_with(old: &OsStr, random: u16) -> OsString {
    let mut name = beginning(old);
    let mut digest = sha2::Sha256::new();
    digest.update(b"residuum beside ");
    digest.update(&name);
    digest.update(random.to_le_bytes());
    let sum = digest.finalize();
    name.extend(format!("{random:04x}{:02x}{:02x}", sum[0], sum[1]).bytes());
    OsString::from_vec(name)
}

/// What such a name begins with; a long one is cut, for a name has 255 bytes at most.
fn beginning(old: &OsStr) -> Vec<u8> {
    let old = old.as_bytes();
    [b".", &old[..old.len().min(200)], MARK].concat()
}

fn random() -> io::Result<u16> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u16::from_le_bytes(bytes))
}
