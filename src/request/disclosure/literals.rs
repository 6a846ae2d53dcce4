//! What was withheld in one place and stands, undetected, in another: as part of a longer number, in words that no rule
//! knows, under a field that says nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use residuum_source::Sensitive;

use super::encoded;
use super::model::DisclosedObject;
use super::redact::{Why, is_json, redacted};
use super::show::marks_in;
use super::withheld::Withheld;
use crate::request::RequestError;

/// Replaces withheld texts wherever they stand as words of their own.
///
/// # Errors
/// When there is too much of them to look for.
pub(super) fn replace(
    objects: &mut [DisclosedObject],
    literals: &BTreeMap<Vec<u8>, Withheld>,
) -> Result<(), RequestError> {
    if literals.is_empty() {
        return Ok(());
    }
    let find = Find::new(literals).map_err(RequestError::Literals)?;
    let kinds: Vec<Withheld> = literals.values().copied().collect();
    for value in objects.iter_mut().flat_map(|object| &mut object.records).flat_map(|record| &mut record.values) {
        let text = value.text.expose();
        let mut found: Vec<(Range<usize>, Why)> =
            find.in_text(text).into_iter().map(|(range, at)| (range, Why::Never(kinds[at]))).collect();
        for word in encoded::words(text) {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            let within =
                encoded::texts(word).iter().find_map(|decoded| find.in_text(decoded).first().map(|(_, at)| *at));
            found.extend(within.map(|at| (start..start + word.len(), Why::Never(kinds[at]))));
        }
        if !found.is_empty() {
            let out = redacted(text.as_bytes(), is_json(text), &found);
            value.text = Sensitive::new(out.text);
            value.withheld.extend(out.withheld);
        }
    }
    Ok(())
}

/// Finds texts.
pub(super) struct Find(AhoCorasick);

impl Find {
    /// For these.
    pub fn new(literals: &BTreeMap<Vec<u8>, Withheld>) -> Result<Self, BuildError> {
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true);
        builder.build(literals.keys()).map(Self)
    }

    /// Where they stand in a text as words of their own, and which; not in marks.
    pub fn in_text(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let marks = marks_in(text);
        let bytes = text.as_bytes();
        let is_word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        let mut found = Vec::new();
        for hit in self.0.find_iter(bytes) {
            let (start, end) = (hit.start(), hit.end());
            let is_apart = !is_word(start.checked_sub(1).map(|at| &bytes[at])) && !is_word(bytes.get(end));
            if is_apart && !marks.iter().any(|mark| mark.start < end && mark.end > start) {
                found.push((start..end, hit.pattern().as_usize()));
            }
        }
        found
    }
}
