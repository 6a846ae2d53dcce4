//! Buffers that some format keeps packed, unpacked within the budget.

use std::io::{BufReader, Read};

use super::Within;
use super::inflate::Inflate;
use super::stream::{xz_decoder, zstd_decoder};
use crate::{Bytes, Fault, Input};

/// Unpacks deflate without a header; gives at most one byte more than `most`.
pub(crate) fn deflate(packed: &[u8], within: &Within<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    drain(Inflate::new(packed), within, most)
}

/// As [`deflate`], for zstd.
pub(crate) fn zstd(packed: &[u8], within: &Within<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    drain(zstd_decoder(packed, within.window()).map_err(|error| Fault::from_io(&error, 0))?, within, most)
}

/// As [`deflate`], for bzip2.
pub(crate) fn bzip2(packed: &[u8], within: &Within<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    drain(::bzip2::bufread::MultiBzDecoder::new(packed), within, most)
}

/// As [`deflate`], for xz.
pub(crate) fn xz(packed: &[u8], within: &Within<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    let mut packed = packed;
    drain(xz_decoder(BufReader::new(Bytes::new(Input::Stream(&mut packed))), within.window()), within, most)
}

fn drain(from: impl Read, within: &Within<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    let mut unpacked = Vec::new();
    let read = within.expand(from).take(most.saturating_add(1)).read_to_end(&mut unpacked);
    read.map(|_| unpacked).map_err(|error| Fault::from_io(&error, 0))
}
