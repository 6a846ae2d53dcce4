//! Splices: which bytes of a part are replaced by which, and the copying with them.

use std::io::{self, Write};
use std::ops::Range;

use residuum_source::Refusal;

use super::unsupported;
use crate::{Bytes, Encoding, Fault};

/// Bytes that are replaced.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub old: Range<u64>,
    pub new: Vec<u8>,
}

/// A splice of text, not yet encoded.
pub(super) type TextSplice = (Range<u64>, Vec<u8>);

/// A text as bytes in this encoding.
pub(super) fn encode(text: &[u8], encoding: Encoding) -> Result<Vec<u8>, Refusal> {
    if text.is_ascii() && !matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be) || encoding == Encoding::Utf8 {
        return Ok(text.to_vec());
    }
    let refused = || {
        let name = encoding.name();
        unsupported(format!(
            "the file is encoded in {name}, in which the new value cannot be written; replace it by one that can"
        ))
    };
    let text = std::str::from_utf8(text).map_err(|_| refused())?;
    let told = |encoding: &'static encoding_rs::Encoding| match encoding.encode(text) {
        (bytes, _, false) => Ok(bytes.into_owned()),
        _ => Err(refused()),
    };
    match encoding {
        Encoding::Utf16Le => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        Encoding::Utf16Be => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        Encoding::Windows1252 => told(encoding_rs::WINDOWS_1252),
        Encoding::Declared(declared) => told(declared),
        Encoding::Utf8 => Ok(text.as_bytes().to_vec()),
    }
}

/// Whether a text can be written in this encoding.
pub(super) fn can_encode(text: &str, encoding: Encoding) -> bool {
    encode(text.as_bytes(), encoding).is_ok()
}

/// Copies bytes with splices, which are ascending and apart.
pub(super) fn copy(bytes: &mut Bytes<'_>, splices: &[Splice], out: &mut dyn Write) -> Result<(), Fault> {
    let write = |out: &mut dyn Write, bytes: &[u8]| out.write_all(bytes).map_err(|error| Fault::from_io(&error, 0));
    for splice in splices {
        pass(bytes, splice.old.start, Some(out))?;
        write(out, &splice.new)?;
        pass(bytes, splice.old.end, None)?;
    }
    pass(bytes, u64::MAX, Some(out))
}

/// Passes over bytes up to a position, or to their end, and copies them if there is somewhere to.
fn pass(bytes: &mut Bytes<'_>, to: u64, mut out: Option<&mut dyn Write>) -> Result<(), Fault> {
    while bytes.position() < to {
        let position = bytes.position();
        if bytes.fill(1).is_empty() {
            return match bytes.fault() {
                Some(fault) => Err(fault.clone()),
                None if to == u64::MAX => Ok(()),
                None => Err(Fault::unreadable("it is shorter than it was when it was looked at")),
            };
        }
        let window = bytes.window();
        let n = usize::try_from(to - position).unwrap_or(usize::MAX).min(window.len());
        if let Some(out) = &mut out {
            out.write_all(&window[..n]).map_err(|error| Fault::from_io(&error, 0))?;
        }
        bytes.consume(n);
    }
    Ok(())
}

/// Copies everything.
pub(super) fn copy_all(bytes: &mut Bytes<'_>, out: &mut dyn Write) -> Result<(), Fault> {
    copy(bytes, &[], out)
}

/// How many bytes there are more or fewer afterwards.
pub(super) fn growth(splices: &[Splice]) -> i128 {
    splices.iter().map(|s| s.new.len() as i128 - i128::from(s.old.end - s.old.start)).sum()
}

/// Something to write to that only counts.
pub(super) struct Count(pub u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
