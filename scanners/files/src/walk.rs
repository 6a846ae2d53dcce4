//! Everything under a directory, in the order of names, each thing once.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use residuum_source::{Coverage, Flow, Object, ObjectPath, Version};

use crate::Options;
use crate::read::why_not_opened;

/// `ELOOP`, for which the standard library has no stable name yet.
const TOO_MANY_LINKS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 40 } else { 62 };

/// A walk over a directory; it goes deep without recursion.
pub(crate) struct Walk<'r> {
    root: &'r Path,
    options: Options,
    /// Directories entered, by device and inode.
    entered: HashSet<(u64, u64)>,
    /// What is still to be looked at, the next one last: name relative to the root, real path.
    ahead: Vec<(Vec<u8>, PathBuf)>,
}

impl<'r> Walk<'r> {
    pub fn new(root: &'r Path, options: Options) -> Self {
        Self { root, options, entered: HashSet::new(), ahead: vec![(Vec::new(), root.to_owned())] }
    }

    pub fn run(mut self, found: &mut dyn FnMut(Object) -> Flow) -> Flow {
        while let Some((name, path)) = self.ahead.pop() {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    if let Some(problem) = self.enter(&name, &path, &metadata) {
                        found(problem)?;
                    }
                }
                Ok(metadata) if metadata.is_symlink() => {
                    if let Some(object) = self.link(&name, &path) {
                        found(object)?;
                    }
                }
                Ok(metadata) => found(of_metadata(&name, &metadata))?,
                // Between listing the directory and looking at the entry it went away: it is not there.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => found(unreadable(&name, &why_not_opened(&error)))?,
            }
        }
        Flow::Continue(())
    }

    /// Looks into a directory; gives an object only if that is impossible or was done before.
    fn enter(&mut self, name: &[u8], path: &Path, metadata: &Metadata) -> Option<Object> {
        if !self.entered.insert((metadata.dev(), metadata.ino())) {
            return Some(not_read(name, Coverage::Derived, "a directory that is listed under another name already"));
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let reason = format!("the directory cannot be listed: {}", why_not_opened(&error));
                return Some(unreadable(if name.is_empty() { b"." } else { name }, &reason));
            }
        };
        let mut names = Vec::new();
        let mut broken = None;
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => broken = Some(format!("the directory could not be listed to its end: {error}")),
            }
        }
        names.sort_unstable_by(|a, b| b.as_bytes().cmp(a.as_bytes()));
        for entry in names {
            let inner = if name.is_empty() { Vec::new() } else { [name, b"/"].concat() };
            self.ahead.push(([inner.as_slice(), entry.as_bytes()].concat(), path.join(&entry)));
        }
        broken.map(|reason| unreadable(if name.is_empty() { b"." } else { name }, &reason))
    }

    /// What a symbolic link is listed as, unless it is a directory that is entered.
    fn link(&mut self, name: &[u8], path: &Path) -> Option<Object> {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Some(not_read(name, Coverage::Derived, "a symbolic link to nothing: there is nothing to read"));
            }
            // A link to itself, by one step or several.
            Err(error) if error.raw_os_error() == Some(TOO_MANY_LINKS) => {
                return Some(not_read(name, Coverage::Derived, "a symbolic link that leads back to itself"));
            }
            Err(error) => return Some(unreadable(name, &why_not_opened(&error))),
        };
        if target.starts_with(self.root) {
            let reason = "a symbolic link into this source, where its target is listed under its own name";
            return Some(not_read(name, Coverage::Derived, reason));
        }
        if !self.options.follow_symlinks {
            let reason = "a symbolic link out of this source is not followed; set `follow_symlinks` for the source, or \
                          make the target a source of its own and exclude the link";
            return Some(not_read(name, Coverage::Unsupported, reason));
        }
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => self.enter(name, &target, &metadata),
            Ok(_) => Some(object(name, &target)),
            Err(error) => Some(unreadable(name, &why_not_opened(&error))),
        }
    }
}

/// A file as an object, or whatever else it is as one that is not read.
pub(crate) fn object(name: &[u8], path: &Path) -> Object {
    match fs::metadata(path) {
        Ok(metadata) => of_metadata(name, &metadata),
        Err(error) => unreadable(name, &why_not_opened(&error)),
    }
}

fn of_metadata(name: &[u8], metadata: &Metadata) -> Object {
    let kind = metadata.file_type();
    let what = if kind.is_fifo() {
        Some("a named pipe: what passes through it is not stored")
    } else if kind.is_socket() {
        Some("a socket: what passes through it is not stored")
    } else if kind.is_block_device() || kind.is_char_device() {
        Some("a device; mount it and scan what is on it")
    } else {
        None
    };
    if let Some(what) = what {
        return not_read(name, Coverage::Unsupported, what);
    }
    let mut object = Object::new(ObjectPath::from_bytes(name), version(metadata));
    object.bytes = Some(metadata.len());
    object
}

/// What identifies a file's content: any writing changes the times, which only the system can set back together.
pub(crate) fn version(m: &Metadata) -> Version {
    let (modified, changed) = ((m.mtime(), m.mtime_nsec()), (m.ctime(), m.ctime_nsec()));
    Version::sound(format!(
        "{} bytes, modified {}.{:09}, changed {}.{:09}, inode {}",
        m.len(),
        modified.0,
        modified.1,
        changed.0,
        changed.1,
        m.ino()
    ))
}

fn not_read(name: &[u8], state: Coverage, reason: &str) -> Object {
    let mut object = Object::new(ObjectPath::from_bytes(name), Version::snapshot(""));
    object.not_read = Some((state, reason.to_owned()));
    object
}

fn unreadable(name: &[u8], reason: &str) -> Object {
    not_read(name, Coverage::Unreadable, reason)
}

pub(crate) fn bytes_of(name: &OsStr) -> Vec<u8> {
    name.as_bytes().to_vec()
}

pub(crate) fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}
