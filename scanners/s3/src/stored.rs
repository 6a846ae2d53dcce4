//! One object opened by itself, by its name: for what is fetched or edited rather than scanned.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use bytes::Bytes;
use residuum_formats::edit::Unwritten;
use residuum_formats::{Fault, ReadAt};
use sha2::{Digest as _, Sha256};

use crate::S3;
use crate::beside::Beside;
use crate::get::Wanted;
use crate::head;
use crate::object::{ObjectAt, Part, Whole};
use crate::read::SMALL;

/// The bytes of one object in one state; whether all could be read is remembered, for a format takes what it cannot
/// read for the end.
pub(crate) struct Stored {
    bytes: Box<dyn ReadAt>,
    pub wanted: Arc<Wanted>,
    fault: Mutex<Option<String>>,
}

impl Stored {
    /// Opens what a look at it has shown; a small object is read whole.
    pub fn open(source: &S3, key: &str, version: Option<&str>, head: &HeadObjectOutput) -> Result<Self, Fault> {
        let size = head::size(head);
        let (key, version, etag) = (key.to_owned(), version.map(str::to_owned), head.e_tag().map(str::to_owned));
        let wanted = Arc::new(Wanted { key, version, etag, size, beside: Beside::of_head(head).into() });
        let bytes: Box<dyn ReadAt> = match size {
            0 => Box::new(Whole(Bytes::new())),
            1..=SMALL => Box::new(Whole(Part::ask(source.handle(), &source.getter, &wanted, 0..size).wait()?)),
            _ => Box::new(ObjectAt::new(source.handle(), &source.getter, wanted.clone())),
        };
        Ok(Self { bytes, wanted, fault: Mutex::default() })
    }

    /// Why some of it could not be read.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Copies its bytes.
    pub fn copy(&self, to: &mut dyn io::Write) -> Result<(), Unwritten> {
        let (mut at, mut buffer) = (0, vec![0; 256 << 10]);
        loop {
            let read = self.read_at(&mut buffer, at);
            let n = read.map_err(|error| Unwritten::Input(Fault::from_io(&error, at)))?;
            if n == 0 {
                return Ok(());
            }
            to.write_all(&buffer[..n]).map_err(Unwritten::Output)?;
            at += n as u64;
        }
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> io::Result<[u8; 32]> {
        let (mut digest, mut at, mut buffer) = (Sha256::new(), 0, vec![0; 256 << 10]);
        loop {
            let n = self.read_at(&mut buffer, at)?;
            if n == 0 {
                return Ok(digest.finalize().into());
            }
            digest.update(&buffer[..n]);
            at += n as u64;
        }
    }
}

impl ReadAt for Stored {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.bytes.read_at(buf, at).inspect_err(|error| {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        })
    }
}
