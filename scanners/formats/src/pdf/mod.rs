//! PDF documents (ISO 32000): the text of each page, and what stands beside it.
//!
//! A page is a record. Beside the pages stand annotations, values of form fields, the document's information and XMP
//! metadata, titles of the outline, and objects that nothing refers to any more. Embedded files are members of the
//! document. Pages that are pictures are named: there is no text recognition.

mod beside;
mod font;
mod page;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lopdf::{Document, LoadOptions};
use residuum_source::{Coverage, Flow, Logical, ObjectPath, Outcome, RecordKind, Sink};

use crate::bytes::read_all;
use crate::container::{self, Within};
use crate::values::{Key, Values};
use crate::{Bytes, Fault, Input, ReadAt, read_part};

/// Reads a PDF document.
///
/// Memory is a small multiple of the document's size, which may be [`residuum_source::Limits::whole_bytes`]; one
/// stream in it may expand to a quarter of that.
pub(crate) fn read(path: &ObjectPath, from: Arc<dyn ReadAt>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let deeper = match container::open(path, "pdf", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let size = from.size();
    let limits = within.limits;
    let loaded =
        read_all(&*from, limits.whole_bytes, "a PDF document").and_then(|bytes| load(&bytes, limits.whole_bytes));
    let (document, cut) = match loaded {
        Ok(loaded) => loaded,
        Err(fault) => return sink.close(Outcome { bytes: size, ..Outcome::not_read(fault.coverage, fault.reason) }),
    };
    let stream_bytes = (limits.whole_bytes / 4).max(1 << 20) as usize;
    let mut reader = Reader {
        document: &document,
        stream_bytes,
        within: &deeper,
        values: Values::new(limits),
        pictures: Vec::new(),
        faults: Vec::new(),
    };
    reader.faults.extend(cut);
    reader.pages(sink)?;
    let files = beside::read(&mut reader, sink)?;
    reader.values.flush(sink)?;
    let records = reader.values.records;
    let outcome = reader.outcome();
    let mut members = 0;
    for (name, content) in files {
        members += 1;
        let stored: Arc<dyn ReadAt> = Arc::new(content);
        read_part(&path.member(name.as_bytes()), Bytes::new(Input::Stored(stored)), &deeper, sink)?;
    }
    sink.close(Outcome { bytes: size, records, members, ..outcome })
}

/// A document that is being read.
struct Reader<'d, 'l> {
    document: &'d Document,
    /// Bytes that one stream may expand to.
    stream_bytes: usize,
    within: &'d Within<'l>,
    values: Values<'l>,
    /// Pages that show pictures and no text.
    pictures: Vec<u32>,
    faults: Vec<Fault>,
}

impl Reader<'_, '_> {
    fn pages(&mut self, sink: &mut dyn Sink) -> Flow {
        let mut number = 0;
        for id in self.document.page_iter() {
            number += 1;
            // The library and what we do with its objects may trip over what is damaged.
            let read = caught(|| Ok(page::text(self.document, id, self.stream_bytes)));
            let text = read.unwrap_or_else(|fault| page::Page { fault: Some(fault), ..page::Page::default() });
            if let Some(fault) = text.fault {
                self.fault(Fault { reason: format!("page {number}: {}", fault.reason), ..fault });
            }
            if text.text.trim().is_empty() && text.has_pictures {
                self.pictures.push(number);
            }
            self.values.begin(Key::Number(RecordKind::Page, u64::from(number)), sink)?;
            self.values.value("", Logical::Text, text.text.trim().as_bytes(), sink)?;
            beside::annotations(self, id, sink)?;
            // A tree of pages may name one page any number of times.
            if let Err(fault) = self.within.spend(text.text.len() as u64 + 100) {
                self.fault(fault);
                break;
            }
        }
        if number == 0 {
            self.fault(Fault::unreadable("it has no pages that can be found: it is damaged"));
        }
        Flow::Continue(())
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < 100 {
            self.faults.push(fault);
        }
    }

    fn outcome(&self) -> Outcome {
        let mut faults = self.faults.clone();
        if !self.pictures.is_empty() {
            let shown: Vec<String> = self.pictures.iter().take(10).map(u32::to_string).collect();
            let more = if self.pictures.len() > 10 {
                format!(" and {} more", self.pictures.len() - 10)
            } else {
                String::new()
            };
            faults.push(Fault::unsupported(format!(
                "pictures without text on pages {}{more}; run text recognition on the document, or look at them",
                shown.join(", ")
            )));
        }
        let worst = [Coverage::Unreadable, Coverage::Limit, Coverage::Unsupported];
        let Some(coverage) = worst.into_iter().find(|c| faults.iter().any(|fault| fault.coverage == *c)) else {
            return Outcome::read(0, 0);
        };
        let mut reasons: Vec<String> = faults.iter().take(3).map(|fault| fault.reason.clone()).collect();
        if faults.len() > 3 {
            reasons.push(format!("and {} more", faults.len() - 3));
        }
        Outcome::not_read(coverage, reasons.join("; "))
    }
}

/// Loads a document, and says whether its end is missing.
fn load(bytes: &[u8], whole_bytes: u64) -> Result<(Document, Option<Fault>), Fault> {
    let options = LoadOptions { max_decompressed_size: Some(whole_bytes as usize), ..LoadOptions::default() };
    let document = caught(|| Document::load_mem_with_options(bytes, options).map_err(|error| said(&error)))?;
    let document = match document.is_encrypted() {
        false => document,
        true => caught(|| {
            let mut document = document;
            document.decrypt("").map_err(|error| said(&error))?;
            Ok(document)
        })?,
    };
    let tail = &bytes[bytes.len().saturating_sub(2048)..];
    let ends = memchr::memmem::find(tail, b"%%EOF").is_some();
    let cut = (!ends).then(|| Fault::unreadable("its end is missing; what could be found of it was read"));
    Ok((document, cut))
}

/// What an error of the library means for the reader of the ledger.
fn said(error: &lopdf::Error) -> Fault {
    match error {
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => {
            Fault::unreadable("it is encrypted; save it without a password to have it read")
        }
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => Fault::limit(
            "a stream in it expands too far, as in a decompression bomb; raise the limit `whole_bytes` if that is expected",
        ),
        // What the library says may hold what the document says.
        _ => Fault::unreadable("it is damaged: its objects cannot be found"),
    }
}

/// Runs what the library does; a panic on damaged bytes is an error like others.
fn caught<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Fault::unreadable("it is damaged: its bytes make no sense")))
}
