//! Files and directories as a source.
//!
//! [`Files`] lists everything under a root, names objects relative to it and reads them through
//! `residuum-formats`. What cannot be read, or holds nothing of its own, is listed with the reason:
//!
//! - A symbolic link is not followed. One that points into the root is *derived*: its target is listed under
//!   its own name. So is one that points to nothing: there is nothing behind it to read.
//! - A link that points out of the root is *unsupported*, unless [`Options::follow_symlinks`] is set; then it is listed
//!   as if its target stood there. It is not *derived*, for who asks about this tree would take what stands behind the
//!   link for read, and nothing says that it is read elsewhere; it is not *excluded* either, for nobody approved that.
//!   Loops end where a directory was listed before.
//! - FIFOs, sockets and devices are *unsupported*, directories that cannot be listed *unreadable*.
//! - A file that changes or vanishes while it is read is *unreadable*: what was read is of no one state.
//!
//! Files are written to ([`Apply`]) by putting a new one in the place of the old one; how is told in `apply`.
//!
//! Directories that a table format owns are recognised ([`table_format`]); their files are read like any others,
//! those that the current table no longer uses included, for they hold data all the same.

mod apply;
mod beside;
mod fetch;
mod read;
mod table;
mod walk;

use std::path::{Path, PathBuf};

use residuum_source::{Apply, Check, Fetch, Flow, Limits, Object, ObjectPath, Sink, Source, SourceError, Unit};

pub use read::FileAt;
pub use table::{TableFormat, table_format};

/// A file, or a directory with everything in it.
#[derive(Clone, Debug)]
pub struct Files {
    name: String,
    root: PathBuf,
    is_file: bool,
    options: Options,
}

/// How a directory is walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Whether what links point to outside the root is read as if it stood there.
    pub follow_symlinks: bool,
}

impl Files {
    /// The files under this root, or the one file it is.
    ///
    /// # Errors
    /// [`SourceError::Config`] if there is nothing of this name, or it may not be looked at.
    pub fn new(name: &str, root: &Path) -> Result<Self, SourceError> {
        let config = |reason: String| SourceError::Config { source_name: name.to_owned(), reason };
        let real = root.canonicalize().map_err(|error| {
            let shown = root.display();
            config(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("there is no file or directory `{shown}`; paths are relative to the working directory")
                }
                std::io::ErrorKind::PermissionDenied => {
                    format!("`{shown}` may not be opened; grant read access to it and to the directories above it")
                }
                _ => format!("`{shown}` cannot be opened: {error}"),
            })
        })?;
        let is_file = !real.is_dir();
        Ok(Self { name: name.to_owned(), root: real, is_file, options: Options::default() })
    }

    /// The same with these options.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// The root, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a listed object, containers' members left aside.
    pub fn path_of(&self, object: &ObjectPath) -> PathBuf {
        if self.is_file {
            return self.root.clone();
        }
        let relative = object.levels().into_iter().next().unwrap_or_default();
        self.root.join(walk::path_from_bytes(relative))
    }

    /// The objects whose files have one of these extensions, in the order of names, without a look at any file. Links
    /// are left aside, and what cannot be listed: [`Source::list`] tells of it.
    pub fn with_extension(&self, extensions: &[&str]) -> Vec<ObjectPath> {
        let has_one = |path: &Path| {
            let extension = path.extension().unwrap_or_default();
            extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        let entries = walkdir::WalkDir::new(&self.root).into_iter().flatten();
        let files = entries.filter(|entry| entry.file_type().is_file() && has_one(entry.path()));
        // They are few: to sort them costs nothing beside sorting every directory.
        let mut paths: Vec<PathBuf> = files.map(walkdir::DirEntry::into_path).collect();
        paths.sort_unstable();
        let name = |path: &PathBuf| {
            let relative = path.strip_prefix(&self.root).unwrap_or(path);
            let relative = if self.is_file { path.file_name().map_or(relative, Path::new) } else { relative };
            ObjectPath::from_bytes(&walk::bytes_of(relative.as_os_str()))
        };
        paths.iter().map(name).collect()
    }

    /// The table format that owns a listed object, if one does.
    pub fn table_of(&self, object: &ObjectPath) -> Option<TableFormat> {
        let path = self.path_of(object);
        let inside = |dir: &&Path| dir.starts_with(&self.root);
        path.ancestors().skip(1).take_while(inside).find_map(table_format)
    }
}

impl Source for Files {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "files"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        let flow = if self.is_file {
            let name = self.root.file_name().unwrap_or_default();
            found(walk::object(&walk::bytes_of(name), &self.root))
        } else {
            walk::Walk::new(&self.root, self.options).run(found)
        };
        if flow.is_break() { Err(SourceError::Stopped) } else { Ok(()) }
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            if read::read(&object.path, &self.path_of(&object.path), limits, sink).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        let what = if self.is_file { "file" } else { "directory" };
        let mut check = Check { what: what.to_owned(), ..Check::default() };
        self.list(&mut |object| {
            if let Some((state, reason)) = &object.not_read {
                let line = format!("`{}`: {reason}", object.path);
                if state.is_incomplete() { check.problems.push(line) } else { check.notes.push(line) }
            } else if let Err(error) = std::fs::File::open(self.path_of(&object.path)) {
                check.problems.push(format!("`{}`: {}", object.path, read::why_not_opened(&error)));
            }
            Flow::Continue(())
        })?;
        for (dir, format) in table::tables_under(&self.root) {
            let shown = ObjectPath::from_bytes(&walk::bytes_of(dir.as_os_str()));
            let shown = if shown.as_str().is_empty() { ".".to_owned() } else { shown.to_string() };
            check.notes.push(format!(
                "`{shown}` is {}: all its data files are read, those the table no longer uses included",
                format.name()
            ));
        }
        Ok(check)
    }
}

#[cfg(test)]
mod tests;
