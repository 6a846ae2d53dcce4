//! Containers from the outside in and back: what is untouched is copied as it stands, what is edited is packed again.
//!
//! Members are named exactly as the readers in [`container`](crate::container) name them.

mod pack;
mod stream;
mod tar;
mod zip;

pub(super) use zip::document;

use std::io::Write;

use residuum_source::ObjectPath;

use super::splice::copy_all;
use crate::container::Within;
use crate::recognise::{self, Format};
use crate::{Bytes, Fault, HEAD};

/// What becomes of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// Nothing.
    Keep,
    /// Something in it is edited.
    Open,
    /// It is edited itself.
    Edit,
    /// It goes.
    Drop,
}

/// Who walks, and why.
pub(super) trait Job {
    /// What becomes of a part.
    fn what(&mut self, path: &ObjectPath) -> What;

    /// Whether nothing is written: then what is untouched need not be read, and nothing is packed.
    fn is_dry(&self) -> bool;

    /// Edits a part.
    fn edit(&mut self, path: &ObjectPath, bytes: Bytes<'_>, out: &mut dyn Write) -> Result<(), Fault>;

    /// How many bytes an edited part has afterwards, if that is known beforehand.
    fn len_after(&self, path: &ObjectPath) -> Option<u64>;
}

/// Walks through a part.
pub(super) fn part(
    path: &ObjectPath,
    mut bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    match job.what(path) {
        What::Keep | What::Drop if job.is_dry() => Ok(()),
        What::Keep | What::Drop => copy_all(&mut bytes, out),
        What::Edit => job.edit(path, bytes, out),
        What::Open => {
            let Some(deeper) = within.deeper() else {
                return Err(Fault::limit("it stands inside too many other containers; raise the limit `depth`"));
            };
            bytes.fill(HEAD);
            match recognise::recognise(bytes.window()) {
                format @ (Format::Gzip | Format::Zstd | Format::Bzip2 | Format::Xz | Format::Lz4) => {
                    stream::stream(path, &format, bytes, &deeper, job, out)
                }
                Format::Zip => zip::zip(path, bytes, &deeper, job, out),
                Format::Tar => tar::tar(path, bytes, &deeper, job, out),
                Format::SevenZ => Err(Fault::unsupported(
                    "7z archives are not written: unpack it, delete the archive, and scan what was in it",
                )),
                _ => Err(Fault::unsupported(
                    "what it is embedded in is not written: open that in the program that made it, and change it there",
                )),
            }
        }
    }
}

fn written(error: std::io::Error) -> Fault {
    Fault::from_io(&error, 0)
}
