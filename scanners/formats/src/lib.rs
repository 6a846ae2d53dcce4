//! Bytes to batches: every format that can be read, recognised by content, with the place of every byte.
//!
//! [`read`] takes the bytes of one object and pushes what it finds into a sink: containers are opened and
//! their members read one within the other, text is decoded, tables become columns.
//!
//! ```text
//! Input ─Bytes→ container, mail → member … ─Text→ csv, json, xml, html, yaml, sql, lines … → batches
//!              └────────────────────────────→ parquet, orc ──→ arrays ────────────────→ batches
//! ```
//!
//! [`edit`] goes the other way: records deleted and values replaced, every other byte as it was.
//!
//! Nothing here knows where the bytes are stored, nor what personal information is.

mod arrays;
mod avro;
mod bson;
mod bytes;
mod cards;
mod container;
mod csv;
mod decode;
pub mod edit;
mod fault;
mod gather;
mod html;
mod image;
pub mod json;
mod lines;
mod mail;
mod markup;
mod moment;
mod office;
mod ole;
#[cfg(feature = "orc")]
mod orc;
pub mod parquet;
#[cfg(feature = "pdf")]
mod pdf;
mod recognise;
mod settings;
mod sql;
#[cfg(test)]
mod testing;
mod values;
mod w3c;
mod xml;
mod yaml;

use std::sync::Arc;

use residuum_source::{Coverage, Flow, Limits, ObjectPath, Outcome, Part, Sink};

pub(crate) use bytes::Slice;
pub use bytes::{Bytes, Input, ReadAt};
pub use decode::{Encoding, Text};
pub use fault::Fault;

use container::Within;
use recognise::{Format, TextFormat};

/// Recognises what an object is and reads it, members of containers included, into the sink.
///
/// Whatever is wrong with the object is told by the [`Outcome`] its part is closed with. Memory is a small
/// multiple of [`Limits::batch_bytes`], except for formats that need [`Limits::whole_bytes`].
///
/// # Errors
/// Breaks only if the sink asked to stop.
pub fn read(path: &ObjectPath, input: Input<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    match input {
        Input::Stored(stored) => {
            let within = Within::new(limits, stored.size());
            read_part(path, Bytes::new(Input::Stored(stored)), &within, sink)
        }
        Input::Stream(stream) => {
            let within = Within::new(limits, 0);
            let mut counted = within.count_stored(stream);
            read_part(path, Bytes::new(Input::Stream(&mut counted)), &within, sink)
        }
    }
}

/// How much of an object one looks at to recognise it.
const HEAD: usize = 64 << 10;

/// How a text is encoded and how long its byte order mark is, by its first bytes; `None` for what is not text.
pub fn text_encoding(head: &[u8]) -> Option<(Encoding, usize)> {
    match recognise::recognise(head) {
        Format::Text { encoding, mark } => Some((encoding, mark)),
        _ => None,
    }
}

fn read_part(path: &ObjectPath, mut bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    bytes.fill(HEAD);
    if bytes.window().is_empty() {
        return close_unread(path, "empty", nothing(&bytes), sink);
    }
    let name = path.levels().pop().unwrap_or_default();
    match recognise::recognise(bytes.window()) {
        Format::Gzip => container::gzip(path, bytes, within, sink),
        Format::Zstd => container::zstd(path, bytes, within, sink),
        Format::Bzip2 => container::bzip2(path, bytes, within, sink),
        Format::Xz => container::xz(path, bytes, within, sink),
        Format::Lz4 => container::lz4(path, bytes, within, sink),
        Format::SevenZ => container::sevenz(path, bytes, within, sink),
        Format::Zip => container::zip(path, bytes, within, sink),
        Format::Tar => container::tar(path, bytes, within, sink),
        Format::Parquet => match stored_or_held(bytes, within.limits, "Parquet file") {
            Ok(from) => parquet::read(path, from, within.limits, sink),
            Err(outcome) => close_unread(path, "parquet", outcome, sink),
        },
        #[cfg(feature = "orc")]
        Format::Orc => match stored_or_held(bytes, within.limits, "ORC file") {
            Ok(from) => orc::read(path, from, within, sink),
            Err(outcome) => close_unread(path, "orc", outcome, sink),
        },
        #[cfg(not(feature = "orc"))]
        Format::Orc => close_unread(path, "orc", left_out(&bytes, Coverage::Unsupported, without("orc")), sink),
        Format::Avro => avro::read(path, bytes, within, sink),
        Format::Bson => bson::read(path, bytes, within.limits, sink),
        Format::Image { format, what } => image::read(path, format, what, bytes, within.limits, sink),
        Format::Ole => match stored_or_held(bytes, within.limits, "old Office document") {
            Ok(from) => ole::read(path, from, within, sink),
            Err(outcome) => close_unread(path, "ole", outcome, sink),
        },
        #[cfg(feature = "pdf")]
        Format::Pdf => match stored_or_held(bytes, within.limits, "PDF document") {
            Ok(from) => pdf::read(path, from, within, sink),
            Err(outcome) => close_unread(path, "pdf", outcome, sink),
        },
        #[cfg(not(feature = "pdf"))]
        Format::Pdf => close_unread(path, "pdf", left_out(&bytes, Coverage::Unsupported, without("pdf")), sink),
        Format::Text { encoding, mark } => match textual(bytes, encoding, mark, &name) {
            Textual::Mail { bytes, is_box } => mail::read(path, bytes, is_box, within, sink),
            Textual::Text(mut text) => {
                text.fill(HEAD);
                read_text(path, &name, text, within.limits, sink)
            }
        },
        Format::Unsupported { format, what } => {
            let reason =
                format!("{what} cannot be read yet; export it in a format that can, such as CSV or JSON Lines");
            close_unread(path, format, left_out(&bytes, Coverage::Unsupported, reason), sink)
        }
        Format::Binary => {
            let reason = "unknown binary data; if they hold records, export them as CSV, JSON Lines or Parquet";
            close_unread(path, "binary", left_out(&bytes, Coverage::Unsupported, reason), sink)
        }
    }
}

/// What reads a text: the reader of mail, which has encodings of its own, or those of decoded text.
enum Textual<'a> {
    Mail { bytes: Bytes<'a>, is_box: bool },
    Text(Text<'a>),
}

/// The text that begins at the window with a mark of so many bytes.
fn textual<'a>(mut bytes: Bytes<'a>, encoding: Encoding, mark: usize, name: &[u8]) -> Textual<'a> {
    let declared = match encoding {
        Encoding::Utf8 | Encoding::Windows1252 if mark == 0 => recognise::declared(bytes.window()),
        _ => None,
    };
    bytes.consume(mark);
    if matches!(encoding, Encoding::Utf8 | Encoding::Windows1252)
        && let Some(is_box) = recognise::mail(bytes.window(), name)
    {
        return Textual::Mail { bytes, is_box };
    }
    Textual::Text(match declared {
        Some(declared) => Text::declared(bytes, declared),
        None => Text::new(bytes, encoding),
    })
}

fn read_text(path: &ObjectPath, name: &[u8], text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    match recognise::text_format(text.window(), text.ended() && text.fault().is_none(), name) {
        TextFormat::Json => json::read_json(path, text, limits, sink),
        TextFormat::JsonLines => json::read_jsonl(path, text, limits, sink),
        TextFormat::Sql => sql::read(path, text, limits, sink),
        TextFormat::Xml => xml::read(path, text, limits, sink),
        TextFormat::Html => html::read(path, text, limits, sink),
        TextFormat::Cards(format) => cards::read(path, format, text, limits, sink),
        TextFormat::Yaml => yaml::read(path, text, limits, sink),
        TextFormat::Settings(kind) => settings::read(path, kind, text, limits, sink),
        TextFormat::W3c => w3c::read(path, text, limits, sink),
        TextFormat::Csv(dialect) => csv::read(path, text, &dialect, limits, sink),
        TextFormat::Lines(format) => lines::read(path, format, text, limits, sink),
    }
}

/// Why a format is not read that this program could read.
#[cfg(not(all(feature = "orc", feature = "pdf")))]
fn without(feature: &str) -> String {
    format!("this program was built without reading such files; build it with the feature `{feature}`")
}

/// An empty object has been read; one whose first byte could not be had has not.
fn nothing(bytes: &Bytes<'_>) -> Outcome {
    match bytes.fault() {
        Some(fault) => Outcome::not_read(fault.coverage, fault.reason.clone()),
        None => Outcome::read(0, 0),
    }
}

fn left_out(bytes: &Bytes<'_>, coverage: Coverage, reason: impl Into<String>) -> Outcome {
    match bytes.fault() {
        Some(fault) => Outcome::not_read(fault.coverage, fault.reason.clone()),
        None => Outcome::not_read(coverage, reason),
    }
}

fn close_unread(path: &ObjectPath, format: &'static str, outcome: Outcome, sink: &mut dyn Sink) -> Flow {
    sink.open(Part { path: path.clone(), format, encoding: None, primary_key: Vec::new() })?;
    sink.close(outcome)
}

/// Random access to what may be a stream, which is then held in memory. That it is damaged, the outer part tells.
fn stored_or_held(bytes: Bytes<'_>, limits: &Limits, what: &str) -> Result<Arc<dyn ReadAt>, Outcome> {
    match held(bytes, limits, what)? {
        (_, Some(fault)) if fault.coverage == Coverage::Limit => Err(Outcome::not_read(fault.coverage, fault.reason)),
        (held, _) => Ok(held),
    }
}

/// The same of what is written again: packed anew, what is damaged would pass for sound.
fn sound(bytes: Bytes<'_>, limits: &Limits, what: &str) -> Result<Arc<dyn ReadAt>, Fault> {
    match held(bytes, limits, what)? {
        (held, None) => Ok(held),
        (_, Some(fault)) => Err(fault),
    }
}

/// All bytes, and why there are no more of them if that is not their end.
fn held(mut bytes: Bytes<'_>, limits: &Limits, what: &str) -> Result<(Arc<dyn ReadAt>, Option<Fault>), Outcome> {
    if let Some(stored) = bytes.stored() {
        return Ok((stored.clone(), None));
    }
    let most = limits.whole_bytes;
    let mut held = Vec::new();
    while !bytes.fill(1).is_empty() {
        let window = bytes.window();
        if held.len() as u64 + window.len() as u64 > most {
            let reason = format!(
                "a {what} inside a container must be held in memory whole and is longer than {most} bytes; raise \
                 the limit `whole_bytes`, or unpack the container"
            );
            return Err(Outcome::not_read(Coverage::Limit, reason));
        }
        held.extend_from_slice(window);
        let n = window.len();
        bytes.consume(n);
    }
    Ok((Arc::new(held), bytes.fault().cloned()))
}

#[cfg(test)]
mod tests;
