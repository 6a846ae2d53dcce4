//! Images: what is written about them, not what they show.
//!
//! An image is `unsupported` in the ledger, for there is no text recognition, and what can be read of it is read all the
//! same and counted: who took it, where, with what, captions and keywords. One state must be given, and it is the one that
//! blocks a certificate: a photograph of a passport with empty metadata would otherwise pass as read.

mod iptc;
mod png;
#[cfg(test)]
mod tests;

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use exif::{In, Tag};
use residuum_source::{Coverage, Flow, Limits, Logical, ObjectPath, Outcome, Part, RecordKind, Sink};

use crate::office::{Generic, xml};
use crate::values::{Key, Values};
use crate::{Bytes, Fault, close_unread};

/// How much of an image is looked at: what is written about it stands before or behind what it shows.
const LOOKED_AT: u64 = 32 << 20;

/// Reads what is written about an image, which a message calls `what`.
pub(crate) fn read(
    path: &ObjectPath,
    format: &'static str,
    what: &str,
    mut bytes: Bytes<'_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Flow {
    let mut held = Vec::new();
    let known = bytes.stored().map(|stored| stored.size());
    let most = LOOKED_AT.min(limits.whole_bytes);
    let read = std::io::Read::take(&mut bytes, most).read_to_end(&mut held);
    if let Err(error) = read {
        let Fault { coverage, reason } = Fault::from_io(&error, held.len() as u64);
        return close_unread(path, format, Outcome::not_read(coverage, reason), sink);
    }
    let (bytes, size) = (held, known.unwrap_or(bytes.position()));
    sink.open(Part { path: path.clone(), format, encoding: None, primary_key: Vec::new() })?;
    let mut values = Values::new(limits);
    exif(&bytes, &mut values, sink)?;
    xmp(&bytes, limits, &mut values, sink)?;
    for (name, text) in iptc::texts(&bytes).into_iter().chain(png::texts(&bytes)) {
        values.begin(Key::Name(RecordKind::Part, "metadata".into()), sink)?;
        values.value(&name, Logical::Text, &text, sink)?;
    }
    values.flush(sink)?;
    let reason = format!(
        "{what}: what is written about it was read, what it shows was not, for there is no text recognition; look at it, \
         or exclude images by a policy"
    );
    let read = Outcome::read(size, values.records);
    sink.close(Outcome { coverage: Coverage::Unsupported, reason: Some(reason), ..read })
}

/// Texts, times and places of EXIF (JEITA CP-3451).
fn exif(bytes: &[u8], values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let read = || exif::Reader::new().continue_on_error(true).read_from_container(&mut Cursor::new(bytes));
    // The library is careful but does not promise never to panic on what is damaged.
    let Ok(read) = catch_unwind(AssertUnwindSafe(read)) else { return Flow::Continue(()) };
    let read = read.or_else(|error| error.distill_partial_result(|_| {}));
    let Ok(exif) = read else { return Flow::Continue(()) };
    values.begin(Key::Name(RecordKind::Part, "EXIF".into()), sink)?;
    let degrees = |value: Tag, side: Tag| {
        let exif::Value::Rational(parts) = &exif.get_field(value, In::PRIMARY)?.value else { return None };
        let sum: f64 = parts.iter().take(3).zip([1.0, 60.0, 3600.0]).map(|(part, unit)| part.to_f64() / unit).sum();
        let side = exif.get_field(side, In::PRIMARY)?.display_value().to_string();
        sum.is_finite().then_some(if side.starts_with(['S', 'W']) { -sum } else { sum })
    };
    let place = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef).zip(degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef));
    if let Some((latitude, longitude)) = place {
        values.value("GPS coordinates", Logical::Text, format!("{latitude:.6}, {longitude:.6}").as_bytes(), sink)?;
    }
    for field in exif.fields() {
        let text: Vec<u8> = match &field.value {
            exif::Value::Ascii(texts) => texts.join(&b' '),
            // Titles and authors as Windows writes them: UTF-16.
            exif::Value::Byte(bytes) if (0x9c9b..=0x9c9f).contains(&field.tag.number()) => {
                let units: Vec<u16> =
                    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                String::from_utf16_lossy(&units).into_bytes()
            }
            // A comment begins with the name of its letters.
            exif::Value::Undefined(bytes, _) if field.tag == Tag::UserComment => comment(bytes),
            _ => continue,
        };
        let text = String::from_utf8_lossy(&text);
        let name = field.tag.to_string();
        values.value(&name, Logical::Text, text.trim_matches(['\0', ' ']).as_bytes(), sink)?;
    }
    Flow::Continue(())
}

fn comment(bytes: &[u8]) -> Vec<u8> {
    match bytes.split_at_checked(8) {
        Some((b"UNICODE\0", text)) => {
            let units = |unit: fn([u8; 2]) -> u16| text.chunks_exact(2).map(|p| unit([p[0], p[1]])).collect::<Vec<_>>();
            let is_big = text.first() == Some(&0);
            String::from_utf16_lossy(&units(if is_big { u16::from_be_bytes } else { u16::from_le_bytes })).into_bytes()
        }
        Some((_, text)) => text.to_vec(),
        None => bytes.to_vec(),
    }
}

/// XMP (ISO 16684-1) is XML that stands as it is in the file.
fn xmp(bytes: &[u8], limits: &Limits, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let mut rest = bytes;
    for _ in 0..16 {
        let Some(start) = memchr::memmem::find(rest, b"<x:xmpmeta") else { break };
        let behind = &rest[start..];
        let Some(end) = memchr::memmem::find(behind, b"</x:xmpmeta>") else { break };
        let (mut packet, after) = behind.split_at(end + 12);
        let _ = xml::walk(&mut packet, limits, &mut Generic::new(values, "metadata XMP"), sink)?;
        rest = after;
    }
    Flow::Continue(())
}
