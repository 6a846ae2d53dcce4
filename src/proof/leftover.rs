//! What is left where no record stands: identifiers as texts in bytes that connectors hand out.
//!
//! There is no field and no beginning of a value there, so detection would read two values that stand side by side as
//! one. The identifiers themselves are looked for instead, in the forms in which people and programs write them, in any
//! case, in UTF-8 and UTF-16. An address that ends in the one looked for counts as well: better that a page is vacuumed in
//! vain.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use residuum_detect::{Detector, Type};
use residuum_source::{Flow, Leftover, Source, SourceError};
use sha2::{Digest as _, Sha256};

use super::State;
use crate::identity::{Identifier, Subject};
use crate::index::Keyring;
use crate::scan::seal_name;
use crate::signature::hex;

/// An identifier that stands where no record does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trace {
    /// The subject's id.
    pub subject: String,
    /// The source; what is personal in names is sealed.
    pub source: String,
    /// The object.
    pub object: String,
    /// What the bytes are: `freed page`, `write-ahead log`.
    pub what: &'static str,
    /// The page, counted from 1; 0 where there are none.
    pub page: u64,
    /// The type of the identifier.
    pub kind: Type,
    /// [`State::Possible`] for a name.
    pub state: State,
}

/// What was found where no record stands, and where nothing could be looked at.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// In order, each once for a page.
    pub found: Vec<Trace>,
    /// Sources whose leftovers could not be read, with the reason.
    pub unread: Vec<(String, String)>,
}

/// Looks for people's identifiers in everything that the sources hand out.
///
/// Memory is bounded by the literals, some twenty for each identifier; the bytes are looked at once, however many people
/// are looked for.
pub fn leftovers(sources: &[Box<dyn Source>], detector: &Detector, keys: &Keyring, subjects: &[Subject]) -> Traces {
    let mut traces = Traces::default();
    let wanted = Wanted::new(subjects);
    let mut worker = detector.worker();
    let mut shown = |name: &str| seal_name(&mut worker, keys, name);
    let mut found = BTreeSet::new();
    for source in sources {
        let name = shown(source.name());
        let mut look = |leftover: Leftover<'_>| {
            for (subject, kind) in wanted.within(leftover.bytes) {
                found.insert(Trace {
                    subject: subjects[subject].id.clone(),
                    source: name.clone(),
                    object: shown(leftover.object.as_str()),
                    what: leftover.what,
                    page: leftover.page,
                    kind,
                    state: if kind == Type::PersonName { State::Possible } else { State::Residual },
                });
            }
            Flow::Continue(())
        };
        match source.leftovers(&mut look) {
            Ok(()) | Err(SourceError::Stopped) => {}
            Err(error) => traces.unread.push((name, error.to_string())),
        }
    }
    traces.found = found.into_iter().collect();
    traces
}

/// The literals, compiled, with whose they are.
struct Wanted {
    automaton: AhoCorasick,
    who: Vec<(usize, Type)>,
}

impl Wanted {
    fn new(subjects: &[Subject]) -> Self {
        let (mut literals, mut who) = (Vec::new(), Vec::new());
        for (number, subject) in subjects.iter().enumerate() {
            for identifier in &subject.identifiers {
                for text in written(identifier) {
                    let wide: Vec<u16> = text.encode_utf16().collect();
                    let little = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                    let big = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                    for literal in [text.into_bytes(), little, big] {
                        literals.push(literal);
                        who.push((number, identifier.kind()));
                    }
                }
            }
        }
        let mut builder = AhoCorasickBuilder::new();
        let automaton = builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&literals);
        Self { automaton: automaton.expect("there are far fewer literals than numbers for states"), who }
    }

    /// Whose identifiers stand in these bytes, each once.
    fn within(&self, bytes: &[u8]) -> BTreeSet<(usize, Type)> {
        self.automaton.find_overlapping_iter(bytes).map(|hit| self.who[hit.pattern().as_usize()]).collect()
    }
}

/// The forms in which an identifier is looked for; one without a form of its own, such as a short number, has none.
fn written(identifier: &Identifier) -> Vec<String> {
    let (kind, form) = match identifier {
        Identifier::Value { kind, form } => (*kind, form.expose()),
        Identifier::Sha256 { digest, .. } => return vec![hex(digest)],
        Identifier::Key { .. } => return Vec::new(),
    };
    let Ok(text) = std::str::from_utf8(form) else { return Vec::new() };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut forms = match kind {
        Type::Phone if digits.len() == 11 && digits.starts_with('1') => {
            let [area, exchange, line] = [&digits[1..4], &digits[4..7], &digits[7..]];
            let mut forms: Vec<String> = ["", "-", ".", " "].map(|by| [area, exchange, line].join(by)).into();
            forms.extend([") ", ")"].map(|close| format!("({area}{close}{exchange}-{line}")));
            forms
        }
        Type::Phone => vec![digits],
        Type::UsSsn | Type::UsItin if digits.len() == 9 => {
            ["", "-", " "].map(|by| [&digits[..3], &digits[3..5], &digits[5..]].join(by)).into()
        }
        Type::CreditCard if digits.len() >= 12 => {
            let end = |at: usize| (at + 4).min(digits.len());
            let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..end(at)]).collect();
            ["", "-", " "].map(|by| groups.join(by)).into()
        }
        Type::PersonName if text.contains(' ') => vec![text.to_owned()],
        _ if !identifier.is_strong() || text.len() < 6 => Vec::new(),
        _ => vec![text.to_owned()],
    };
    if identifier.is_strong() && !forms.is_empty() {
        forms.push(hex(&Sha256::digest(form)));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: Type, text: &str) -> Vec<Subject> {
        let identifier = Identifier::value(kind, "", text).expect("it is one");
        vec![Subject { id: "1".to_owned(), identifiers: vec![identifier] }]
    }

    #[test]
    fn identifiers_are_found_however_they_stand() {
        let wide: Vec<u8> = "to Jane@Example.com".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let digest = hex(&Sha256::digest("jane@example.com"));
        let cases: [(&str, Type, &str, &[u8]); 10] = [
            ("beside other values", Type::Email, "jane@example.com", b"\x01\x02Jane Roejane@example.com+12025550123"),
            ("in other letters", Type::Email, "jane@example.com", b"JANE@EXAMPLE.COM"),
            ("UTF-16", Type::Email, "jane@example.com", &wide),
            ("a digest", Type::Email, "jane@example.com", digest.as_bytes()),
            ("a number as it is dialled", Type::Phone, "+1 202 555 0123", b"call (202) 555-0123 now"),
            ("a number in one", Type::Phone, "+1 202 555 0123", b"x12025550123y"),
            ("a number with points", Type::Phone, "+1 202 555 0123", b"202.555.0123"),
            ("a German number", Type::Phone, "+49 30 12345678", b"+493012345678"),
            ("a card in groups", Type::CreditCard, "4111111111111111", b"4111-1111-1111-1111"),
            ("a name", Type::PersonName, "Jane Roe", b"xxJANE ROEyy"),
        ];
        for (name, kind, text, bytes) in cases {
            assert_eq!(Wanted::new(&subject(kind, text)).within(bytes).len(), 1, "{name}");
        }
        let others: [(Type, &str, &[u8]); 3] = [
            (Type::Email, "jane@example.com", b"jane@example.org jan@example.com"),
            (Type::Phone, "+1 202 555 0123", b"2025550124 202-555-012"),
            (Type::PostalCode, "94601", b"94601"),
        ];
        for (kind, text, bytes) in others {
            assert!(Wanted::new(&subject(kind, text)).within(bytes).is_empty(), "{kind:?}");
        }
    }
}
