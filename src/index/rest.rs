//! The catalog at rest: its digest, beside it in `catalog.sum`, while no writer has the index.
//!
//! SQLite notices a broken structure, not a flipped bit in a name or a number. A writer that ends leaves the size and
//! digest of the catalog, the next one checks them and takes them away before it changes anything, so that a
//! catalog that a killed process left has none and nobody calls it damaged. Readers check when they open.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::{IndexError, Result};
use crate::keyfile::hex;

/// Bytes that one core reads and hashes at a time.
const BLOCK: usize = 1 << 20;
/// Blocks whose digests are held at a time.
const TOGETHER: u64 = 1 << 10;

/// What `catalog.sum` holds.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct CatalogSum {
    bytes: u64,
    /// BLAKE3 over the BLAKE3 of each MiB, in hexadecimal.
    digest: String,
}

/// Checks the catalog by its digest; says whether it has one.
pub(super) fn check(catalog: &Path) -> Result<bool> {
    let path = file(catalog);
    loop {
        let Some(text) = read(&path)? else { return Ok(false) };
        let found = measure(catalog)?;
        let written: Option<CatalogSum> = serde_json::from_slice(&text).ok();
        if written.as_ref() == Some(&found) {
            return Ok(true);
        }
        // A writer may have begun, and even ended, meanwhile.
        if read(&path)?.as_ref() == Some(&text) {
            return Err(match written {
                Some(written) => {
                    let (found, written) = (found.bytes, written.bytes);
                    let how = if found == written {
                        "the digest differs".to_owned()
                    } else {
                        format!("it has {found} bytes of {written}")
                    };
                    IndexError::damaged(catalog, format!("is not what was written: {how}"))
                }
                None => IndexError::damaged(&path, "is not what was written"),
            });
        }
    }
}

/// The catalog is about to change.
pub(super) fn end(catalog: &Path) -> Result<()> {
    let path = file(catalog);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.and_then(|()| sync_parent(&path)).map_err(IndexError::io(&path, "removed")),
    }
}

/// The catalog is closed and stays as it is; unless others keep a log beside it.
pub(super) fn begin(catalog: &Path) -> Result<()> {
    if catalog.with_extension("sqlite-wal").metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let path = file(catalog);
    let draft = path.with_extension("sum.new");
    let text = serde_json::to_string(&measure(catalog)?).expect("a number and a text");
    let written = File::create(&draft).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&draft, &path)?;
        sync_parent(&path)
    });
    written.map_err(IndexError::io(&path, "written"))
}

fn file(catalog: &Path) -> PathBuf {
    catalog.with_extension("sum")
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IndexError::io(path, "read")(error)),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn measure(catalog: &Path) -> Result<CatalogSum> {
    let measured = File::open(catalog).and_then(|file| {
        let blocks = file.metadata()?.len().div_ceil(BLOCK as u64);
        let (mut bytes, mut all) = (0, blake3::Hasher::new());
        for first in (0..blocks).step_by(TOGETHER as usize) {
            let those = (first..blocks.min(first + TOGETHER)).into_par_iter();
            let digests: io::Result<Vec<_>> =
                those.map_init(|| vec![0; BLOCK], |buffer, i| digest(&file, i, buffer)).collect();
            for (read, digest) in digests? {
                bytes += read as u64;
                all.update(digest.as_bytes());
            }
        }
        Ok(CatalogSum { bytes, digest: hex(all.finalize().as_bytes()) })
    });
    measured.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => IndexError::damaged(catalog, "is missing"),
        _ => IndexError::io(catalog, "read")(error),
    })
}

/// How long a block is, which only the last may be shorter, and its digest.
fn digest(file: &File, number: u64, buffer: &mut [u8]) -> io::Result<(usize, blake3::Hash)> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], number * BLOCK as u64 + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((read, blake3::hash(&buffer[..read])))
}
