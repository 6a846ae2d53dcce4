//! The third pass: copies the object with its splices, and leaves out what goes.

use std::collections::BTreeMap;
use std::io;

use residuum_source::{Limits, ObjectPath};

use super::walk::{Job, What};
use super::{Edited, holds_any, splice};
use crate::{Bytes, Fault, sound};

/// Writes the parts as they are settled.
pub(super) struct Write<'p> {
    parts: &'p BTreeMap<ObjectPath, Edited>,
    limits: &'p Limits,
}

impl<'p> Write<'p> {
    pub fn new(parts: &'p BTreeMap<ObjectPath, Edited>, limits: &'p Limits) -> Self {
        Self { parts, limits }
    }
}

impl Job for Write<'_> {
    fn what(&mut self, path: &ObjectPath) -> What {
        match self.parts.get(path) {
            Some(Edited::Gone) => return What::Drop,
            Some(_) => return What::Edit,
            None => {}
        }
        match holds_any(self.parts, path) {
            true => What::Open,
            false => What::Keep,
        }
    }

    fn is_dry(&self) -> bool {
        false
    }

    fn edit(&mut self, path: &ObjectPath, mut bytes: Bytes<'_>, out: &mut dyn io::Write) -> Result<(), Fault> {
        match self.parts.get(path) {
            Some(Edited::Spliced { splices, .. }) => splice::copy(&mut bytes, splices, out),
            Some(Edited::Rewritten(rewrite)) => {
                rewrite.write(sound(bytes, self.limits, "file that is written anew")?, self.limits, out)
            }
            Some(Edited::Gone) | None => splice::copy_all(&mut bytes, out),
        }
    }

    fn len_after(&self, path: &ObjectPath) -> Option<u64> {
        match self.parts.get(path)? {
            Edited::Spliced { splices, len } => u64::try_from(i128::from(*len) + splice::growth(splices)).ok(),
            Edited::Gone | Edited::Rewritten(_) => None,
        }
    }
}

/// The output, which remembers why it could not be written to.
pub(super) struct Out<W> {
    pub inner: W,
    pub error: Option<io::Error>,
}

impl<W: io::Write> io::Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.kept(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.kept(flushed)
    }
}

impl<W> Out<W> {
    fn kept<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let told = io::Error::new(error.kind(), error.to_string());
            self.error.get_or_insert(error);
            told
        })
    }
}
