//! What an object is, by its first bytes; its name decides only where they leave a choice.

mod binary;
mod json;
mod mail;
mod markup;

use crate::csv::Dialect;
use crate::decode::{Encoding, looks_like_windows_1252};

pub(crate) use mail::mail;
pub(crate) use markup::declared;

/// What a reader is chosen by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    SevenZ,
    Zip,
    Tar,
    Parquet,
    Orc,
    Avro,
    Bson,
    /// An old Office document or message.
    Ole,
    Pdf,
    /// Text, after a byte order mark of `mark` bytes.
    Text {
        encoding: Encoding,
        mark: usize,
    },
    /// An image, and how a message calls it.
    Image {
        format: &'static str,
        what: &'static str,
    },
    /// Known, and not read.
    Unsupported {
        format: &'static str,
        what: &'static str,
    },
    /// Not text, and not known.
    Binary,
}

/// What kind of text it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TextFormat {
    Json,
    JsonLines,
    Sql,
    Xml,
    Html,
    /// Cards or calendars, under this format's name.
    Cards(&'static str),
    Yaml,
    Settings(crate::settings::Kind),
    W3c,
    Csv(Dialect),
    /// Anything else, under this format's name.
    Lines(&'static str),
}

/// Formats that are known by a signature and not read.
#[cfg(test)]
pub(crate) fn unread() -> impl Iterator<Item = (&'static str, &'static str)> {
    binary::KNOWN.iter().map(|(_, _, format, what)| (*format, *what))
}

/// Recognises an object by its first bytes.
pub(crate) fn recognise(head: &[u8]) -> Format {
    binary::by_signature(head).unwrap_or_else(|| as_text(head))
}

/// Recognises the kind of a text by its beginning, which is `complete` if nothing follows.
pub(crate) fn text_format(head: &[u8], complete: bool, name: &[u8]) -> TextFormat {
    let suffix = suffix(name);
    match json::kind(head, complete, &suffix) {
        Some(json::Kind::Document) => return TextFormat::Json,
        Some(json::Kind::Lines) => return TextFormat::JsonLines,
        None => {}
    }
    match markup::kind(head, &suffix) {
        Some(markup::Kind::Xml) => return TextFormat::Xml,
        Some(markup::Kind::Html) => return TextFormat::Html,
        None => {}
    }
    if let Some(format) = crate::cards::format(head) {
        return TextFormat::Cards(format);
    }
    if crate::w3c::is_log(head) {
        return TextFormat::W3c;
    }
    if is_yaml(head, &suffix) {
        return TextFormat::Yaml;
    }
    if crate::sql::is_dump(head) {
        return TextFormat::Sql;
    }
    if let Some(kind) = crate::settings::kind(head, name, &suffix) {
        return TextFormat::Settings(kind);
    }
    match Dialect::sniff(head, complete, &suffix) {
        Some(dialect) => TextFormat::Csv(dialect),
        None => TextFormat::Lines("text"),
    }
}

/// YAML is known by its name, or by the mark of a document before a key or an element.
fn is_yaml(head: &[u8], suffix: &str) -> bool {
    let text = head.trim_ascii_start();
    let marked = || {
        let rest = text.strip_prefix(b"---\n").or_else(|| text.strip_prefix(b"---\r\n"))?;
        let first =
            rest.split(|&b| b == b'\n').find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"))?;
        let first = first.trim_ascii_end();
        Some(first.starts_with(b"- ") || first.ends_with(b":") || memchr::memmem::find(first, b": ").is_some())
    };
    match suffix {
        "yaml" | "yml" => !text.is_empty(),
        "" => text.starts_with(b"%YAML") || marked() == Some(true),
        _ => false,
    }
}

fn starts_like(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// The suffix of a file name in lower case, without the dot.
fn suffix(name: &[u8]) -> String {
    let file = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let at = file.iter().rposition(|&b| b == b'.').filter(|&at| at > 0);
    at.map(|at| String::from_utf8_lossy(&file[at + 1..]).to_ascii_lowercase()).unwrap_or_default()
}

fn as_text(head: &[u8]) -> Format {
    let text = |encoding, mark| Format::Text { encoding, mark };
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            Format::Unsupported { format: "utf-32", what: "text encoded as UTF-32" }
        }
        [0xef, 0xbb, 0xbf, ..] => text(Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => text(Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => text(Encoding::Utf16Be, 2),
        _ => match utf_16_without_mark(head) {
            Some(encoding) => text(encoding, 0),
            None if is_binary(head) => Format::Binary,
            None if looks_like_windows_1252(head) => text(Encoding::Windows1252, 0),
            None => text(Encoding::Utf8, 0),
        },
    }
}

/// UTF-16 of mostly Western text has a zero in every second byte.
fn utf_16_without_mark(head: &[u8]) -> Option<Encoding> {
    let head = &head[..head.len().min(4096)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&b| b == 0).count();
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    let (even, odd) = (zeros(0), zeros(1));
    let printable = |odd: usize| {
        let low = head.iter().skip(odd).step_by(2);
        low.filter(|&&b| (0x20..0x7f).contains(&b) || matches!(b, b'\n' | b'\r' | b'\t')).count() * 10 >= pairs * 6
    };
    if odd * 10 >= pairs * 6 && even * 20 <= pairs && printable(0) {
        Some(Encoding::Utf16Le)
    } else if even * 10 >= pairs * 6 && odd * 20 <= pairs && printable(1) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Whether these bytes are not text in any encoding that we read: too many control characters.
///
/// One or two kinds of control characters may be separators, as Hive writes them.
fn is_binary(head: &[u8]) -> bool {
    let mut counts = [0u32; 33];
    for &b in head {
        let control = b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x08 | 0x0b | 0x0c | 0x1b);
        if control {
            counts[usize::from(b)] += 1;
        } else if b == 0x7f {
            counts[32] += 1;
        }
    }
    let separators = [1, 2, 3, 0x1c, 0x1d, 0x1e, 0x1f];
    let used = separators.iter().filter(|&&b| counts[b] > 0).count();
    let others: u32 = counts.iter().sum::<u32>() - separators.iter().map(|&b| counts[b]).sum::<u32>();
    let all: u32 = counts.iter().sum();
    let bad = if used <= 2 { others } else { all };
    bad as usize * 50 > head.len()
}

#[cfg(test)]
mod tests;
