//! Everything under a directory, in the order of names, each thing once.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
    /// What is still to be looked at, the next one last.
    ahead: Vec<Ahead>,
}

/// Something that is still to be looked at.
enum Ahead {
    /// What stands in a directory, with that one's name relative to the root. As long as it is here the directory is open,
    /// and a look at it need not go the whole way from the root.
    Entry(Rc<[u8]>, OsString, DirEntry),
    /// Name relative to the root, real path.
    Path(Vec<u8>, PathBuf),
}

/// Directories on the way to one that are open together at most.
const OPEN: usize = 32;

impl<'r> Walk<'r> {
    pub fn new(root: &'r Path, options: Options) -> Self {
        Self { root, options, entered: HashSet::new(), ahead: vec![Ahead::Path(Vec::new(), root.to_owned())] }
    }

    pub fn run(mut self, found: &mut dyn FnMut(Object) -> Flow) -> Flow {
        while let Some(next) = self.ahead.pop() {
            let (name, metadata) = match &next {
                Ahead::Entry(dir, name, entry) => (below(dir, name), entry.metadata()),
                Ahead::Path(name, path) => (name.clone(), fs::symlink_metadata(path)),
            };
            let path = || match &next {
                Ahead::Entry(_, _, entry) => entry.path(),
                Ahead::Path(_, path) => path.clone(),
            };
            match metadata {
                Ok(metadata) if metadata.is_dir() => {
                    if let Some(problem) = self.enter(&name, &path(), &metadata) {
                        found(problem)?;
                    }
                }
                Ok(metadata) if metadata.is_symlink() => {
                    if let Some(object) = self.link(&name, &path()) {
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
        let mut inside = Vec::new();
        let mut broken = None;
        for entry in entries {
            match entry {
                Ok(entry) => inside.push((entry.file_name(), entry)),
                Err(error) => broken = Some(format!("the directory could not be listed to its end: {error}")),
            }
        }
        inside.sort_unstable_by(|(a, _), (b, _)| b.as_bytes().cmp(a.as_bytes()));
        // However deep it goes, descriptors do not run out.
        let stays_open = name.iter().filter(|byte| **byte == b'/').count() < OPEN;
        let dir: Rc<[u8]> = name.into();
        self.ahead.extend(inside.into_iter().map(|(entry_name, entry)| match stays_open {
            true => Ahead::Entry(dir.clone(), entry_name, entry),
            false => Ahead::Path(below(&dir, &entry_name), path.join(&entry_name)),
        }));
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

/// The name relative to the root of what stands in a directory.
fn below(dir: &[u8], entry: &OsStr) -> Vec<u8> {
    let inner: &[u8] = if dir.is_empty() { b"" } else { b"/" };
    [dir, inner, entry.as_bytes()].concat()
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
