//! Mail: messages and boxes of messages (RFC 5322, MIME, mbox).
//!
//! A record is a message: the part `1` of a file with one, `1`, `2`, … of a box. Its headers are fields by name (`From`,
//! `Subject`, `Received`), unfolded, encoded words undone (RFC 2047). Text that is shown is the field ``, whatever
//! its transfer encoding and character set; of pages there are the fields that pages have. Whatever else a message
//! carries is a member: `mail.eml!report.csv`, a message in a message `mail.eml!message.eml`, recognised by content.
//!
//! Places are positions in the message as it stands. In quoted-printable each byte has its own; in Base64 it is the group
//! of four that holds it, in an encoded word of a header the word.
//!
//! Why not a crate: those at hand hold messages whole and give the places of parts, not of decoded text in them. Here
//! text and attachments stream; only a page is held, up to an eighth of [`Limits::whole_bytes`](residuum_source::Limits).

mod body;
mod headers;
mod lines;
mod parts;
#[cfg(test)]
mod tests;

pub(crate) use body::Transfer;
pub(crate) use headers::name_of;
pub(crate) use lines::begins_message;

use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Sink};

use crate::Bytes;
use crate::container::Within;

/// Reads a message, or a box of them.
pub(crate) fn read(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    is_box: bool,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let deeper = match crate::container::open(path, if is_box { "mbox" } else { "eml" }, within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut reader = parts::Reader::new(path, bytes, is_box, &deeper, sink);
    reader.read()?;
    let done = reader.finish();
    let read = Outcome { members: done.members, ..Outcome::read(done.bytes, done.records) };
    let outcome = match (done.fault, done.limit, done.unfinished) {
        (Some(fault), ..) => Outcome { coverage: fault.coverage, reason: Some(fault.reason), ..read },
        (None, Some(reason), _) => Outcome { coverage: Coverage::Limit, reason: Some(reason), ..read },
        (None, None, true) => {
            let reason = format!("ends inside a part of a message at byte {}: it is incomplete", done.bytes);
            Outcome { coverage: Coverage::Unreadable, reason: Some(reason), ..read }
        }
        (None, None, false) => read,
    };
    sink.close(outcome)
}

/// How a text of a message is encoded, of which extents tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TextPart {
    pub transfer: Transfer,
    /// The character set; nothing for one that is not written.
    pub charset: Option<&'static encoding_rs::Encoding>,
    pub is_page: bool,
}

/// Character sets that are written.
const CHARSETS: [&encoding_rs::Encoding; 12] = [
    encoding_rs::UTF_8,
    encoding_rs::WINDOWS_1252,
    encoding_rs::WINDOWS_1250,
    encoding_rs::WINDOWS_1251,
    encoding_rs::ISO_8859_2,
    encoding_rs::ISO_8859_15,
    encoding_rs::KOI8_R,
    encoding_rs::SHIFT_JIS,
    encoding_rs::EUC_JP,
    encoding_rs::EUC_KR,
    encoding_rs::GBK,
    encoding_rs::BIG5,
];

impl TextPart {
    /// The number that stands for it; never 0, which is the message.
    fn list(self) -> u64 {
        let charset = self.charset.unwrap_or(encoding_rs::UTF_8);
        let charset = CHARSETS.iter().position(|known| *known == charset).unwrap_or(CHARSETS.len());
        1 + u64::from(self.is_page) + 2 * (self.transfer as u64 + 3 * charset as u64)
    }

    /// What a number stands for.
    pub fn of_list(list: u64) -> Option<Self> {
        let code = list.checked_sub(1)?;
        let transfer = [Transfer::Plain, Transfer::QuotedPrintable, Transfer::Base64][(code / 2 % 3) as usize];
        let charset = CHARSETS.get((code / 6) as usize).copied();
        Some(Self { transfer, charset, is_page: code % 2 == 1 })
    }
}

/// What letters of Base64 hold.
pub(crate) fn base64_decoded(letters: &[u8]) -> Vec<u8> {
    let (mut decoder, mut value) = (body::Decoder::new(Transfer::Base64), crate::gather::Value::default());
    decoder.line(letters, 0, &mut value);
    decoder.end(&mut value);
    value.take().0
}
