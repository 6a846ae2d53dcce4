//! Old Office documents and Outlook messages: what compound files hold.
//!
//! Workbooks (xls) give cells, as newer ones do. Of Word documents the text is read by its pieces, deleted and hidden text
//! included; of messages every text property, with attachments as members. Presentations are named.

mod compound;
mod message;
mod properties;
#[cfg(test)]
mod tests;
mod word;

use std::sync::Arc;

use residuum_source::{Flow, ObjectPath, Outcome, Sink};

use crate::bytes::read_all;
use crate::container::{self, Within};
use crate::office::workbooks;
use crate::values::Values;
use crate::{Bytes, Fault, Input, ReadAt, read_part};
use compound::Compound;

/// Reads a compound file. It is held in memory whole.
pub(crate) fn read(path: &ObjectPath, from: Arc<dyn ReadAt>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let bytes = match read_all(&*from, within.limits.whole_bytes, "an old Office document") {
        Ok(bytes) => bytes,
        Err(fault) => return crate::close_unread(path, "ole", Outcome::not_read(fault.coverage, fault.reason), sink),
    };
    let compound = match Compound::open(&bytes) {
        Ok(compound) => compound,
        Err(fault) => return crate::close_unread(path, "ole", Outcome::not_read(fault.coverage, fault.reason), sink),
    };
    let kind = Kind::of(&compound);
    let deeper = match container::open(path, kind.format(), within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut values = Values::new(within.limits);
    let mut fault = None;
    let mut files = Vec::new();
    match kind {
        Kind::Workbook => {
            let stream = compound.stream("Workbook").or_else(|| compound.stream("Book")).unwrap_or_default();
            fault = match workbooks::has_possible_dimensions(&stream) {
                true => workbooks::xls(&bytes, &deeper, &mut values, sink)?.err(),
                false => Some(Fault::unreadable("it is damaged: a sheet in it is larger than sheets can be")),
            };
        }
        Kind::Word => fault = word::read(&compound, &mut values, sink)?.err(),
        Kind::Message => files = message::read(&compound, &mut values, sink)?,
        Kind::Encrypted => {
            fault = Some(Fault::unreadable("it is encrypted; save it without a password to have it read"))
        }
        Kind::Other(what) => {
            let reason = format!("{what} cannot be read; save it in its newer format, or as PDF, to have it read");
            fault = Some(Fault::unsupported(reason));
        }
    }
    properties::read(&compound, &mut values, sink)?;
    values.flush(sink)?;
    let members = files.len() as u64;
    for (name, content) in files {
        let stored: Arc<dyn ReadAt> = Arc::new(content);
        read_part(&path.member(name.as_bytes()), Bytes::new(Input::Stored(stored)), &deeper, sink)?;
    }
    let read = Outcome { members, ..Outcome::read(bytes.len() as u64, values.records) };
    sink.close(match fault {
        Some(Fault { coverage, reason }) => Outcome { coverage, reason: Some(reason), ..read },
        None => read,
    })
}

/// What a compound file is, by its streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Workbook,
    Word,
    Message,
    Encrypted,
    Other(&'static str),
}

impl Kind {
    fn of(compound: &Compound<'_>) -> Self {
        let has = |path: &str| compound.entries.iter().any(|entry| entry.path == path);
        match () {
            () if has("EncryptedPackage") => Self::Encrypted,
            () if has("Workbook") || has("Book") => Self::Workbook,
            () if has("WordDocument") => Self::Word,
            () if has("__properties_version1.0") => Self::Message,
            () if has("PowerPoint Document") => Self::Other("an old presentation (ppt)"),
            () if has("VisioDocument") => Self::Other("a drawing (vsd)"),
            () if compound.entries.iter().any(|e| e.path.ends_with("VBA/dir")) => Self::Other("macros (VBA)"),
            () => Self::Other("an old Office document of an unknown kind"),
        }
    }

    fn format(self) -> &'static str {
        match self {
            Self::Workbook => "xls",
            Self::Word => "doc",
            Self::Message => "msg",
            Self::Encrypted => "encrypted",
            Self::Other("an old presentation (ppt)") => "ppt",
            Self::Other(_) => "ole",
        }
    }
}
