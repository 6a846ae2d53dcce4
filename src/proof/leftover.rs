//! What is left where no record stands: identifiers as texts in bytes that connectors hand out.
//!
//! There is no field and no beginning of a value there, so detection would read two values that stand side by side as
//! one. The identifiers themselves are looked for instead, in the forms in which people and programs write them, in any
//! case, in UTF-8 and UTF-16. An address that ends in the one looked for counts as well: better that a page is vacuumed in
//! vain.

use std::collections::BTreeSet;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Detector, Type};
use residuum_source::{Flow, Leftover, Source, SourceError, Stop};

use super::State;
use super::wanted::{Edges, Wanted};
use crate::identity::{Identifier, Subject};
use crate::index::Keyring;
use crate::scan::seal_name;

/// An identifier that stands where no record does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trace {
    /// The subject's id.
    pub subject: String,
    /// The source; what is personal in names is sealed.
    pub source: String,
    /// The object.
    pub object: String,
    /// What the bytes are: `freed page`, `write-ahead log`, `statistics`, `schema`, `definition`.
    pub what: &'static str,
    /// The page, counted from 1; 0 where there are none.
    pub page: u64,
    /// The type of the identifier.
    pub kind: Type,
    /// [`State::Possible`] for a name.
    pub state: State,
}

impl Trace {
    /// What removes it.
    pub fn cure(&self) -> &'static str {
        match self.what {
            "statistics" => "run `ANALYZE` on the table",
            "definition" => {
                "rewrite or drop what names it: a comment, default, constraint, label, view, function, or the name itself"
            }
            "schema" => "drop or rewrite the table, view, index or trigger that names it",
            "write-ahead log" | "rollback journal" => "run a checkpoint, and `VACUUM`",
            _ => "run `VACUUM`",
        }
    }
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
/// Memory is that of [`Wanted`] for all people, and none if no source has such bytes; they are looked at once, however many
/// are looked for. It ends early when `stop` becomes true.
pub fn leftovers(
    sources: &[Box<dyn Source>],
    detector: &Detector,
    keys: &Keyring,
    subjects: &[Subject],
    stop: &AtomicBool,
) -> Traces {
    let mut traces = Traces::default();
    let wanted = OnceLock::new();
    let mut worker = detector.worker();
    let mut shown = |name: &str| seal_name(&mut worker, keys, name);
    let mut found = BTreeSet::new();
    for source in sources {
        let name = shown(source.name());
        let mut look = |leftover: Leftover<'_>| {
            if stop.load(Ordering::Relaxed) {
                return Flow::Break(Stop);
            }
            let wanted = wanted.get_or_init(|| Wanted::new(subjects, Edges::Any));
            wanted.people_within(leftover.bytes, &mut |subject, kind| {
                found.insert(Trace {
                    subject: subjects[subject].id.clone(),
                    source: name.clone(),
                    object: shown(leftover.object.as_str()),
                    what: leftover.what,
                    page: leftover.page,
                    kind,
                    state: if Identifier::is_strong_as(kind) { State::Residual } else { State::Possible },
                });
            });
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

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::keyfile::hex;

    fn subject(kind: Type, text: &str) -> Vec<Subject> {
        let identifier = Identifier::value(kind, "", text).expect("it is one");
        vec![Subject { id: "1".to_owned(), identifiers: vec![identifier] }]
    }

    fn within(subjects: &[Subject], bytes: &[u8]) -> BTreeSet<(usize, Type)> {
        let mut found = BTreeSet::new();
        Wanted::new(subjects, Edges::Any).people_within(bytes, &mut |subject, kind| {
            found.insert((subject, kind));
        });
        found
    }

    #[test]
    fn each_place_has_its_own_cure() {
        let trace = |what| Trace {
            subject: "1".to_owned(),
            source: "crm".to_owned(),
            object: "crm.db".to_owned(),
            what,
            page: 0,
            kind: Type::Email,
            state: State::Residual,
        };
        for (what, cure) in [
            ("freed page", "VACUUM"),
            ("write-ahead log", "checkpoint"),
            ("statistics", "ANALYZE"),
            ("definition", "a comment, default"),
            // What the schema says is copied by every `VACUUM`.
            ("schema", "rewrite the table, view"),
        ] {
            assert!(trace(what).cure().contains(cure), "{what}: {}", trace(what).cure());
        }
        assert!(!trace("schema").cure().contains("VACUUM"));
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
            assert_eq!(within(&subject(kind, text), bytes).len(), 1, "{name}");
        }
        let others: [(Type, &str, &[u8]); 3] = [
            (Type::Email, "jane@example.com", b"jane@example.org jan@example.com"),
            (Type::Phone, "+1 202 555 0123", b"2025550124 202-555-012"),
            (Type::PostalCode, "94601", b"94601"),
        ];
        for (kind, text, bytes) in others {
            assert!(within(&subject(kind, text), bytes).is_empty(), "{kind:?}");
        }
    }
}
