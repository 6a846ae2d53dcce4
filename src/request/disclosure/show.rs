//! What of a record is shown: value by value, without what is never shown and without other people.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use residuum_detect::{Detector, FieldPlan, Fingerprint, Type, Worker};
use residuum_source::{RecordKind, Sensitive};

use super::category;
use super::gather::{Held, HeldRecord};
use super::look::Seen;
use super::model::DisclosedValue;
use super::redact::{Redacted, Why, excerpt, redacted};
use super::whose::{Known, is_about_a_person, is_of_another, names_a_person};
use super::withheld::Withheld;
use crate::index::{Keyring, display};
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// Shows records of one person.
pub(super) struct Show<'a> {
    detector: &'a Detector,
    keys: &'a Keyring,
    known: &'a Known,
    worker: Worker<'a>,
    /// Names of fields as they are shown.
    names: HashMap<String, String>,
    /// Fingerprints of what is withheld: digests of it are withheld as well.
    withheld: HashMap<Fingerprint, Withheld>,
    literals: BTreeMap<Vec<u8>, Withheld>,
}

/// A record's values.
#[derive(Default)]
pub(super) struct Shown {
    pub values: Vec<DisclosedValue>,
    pub is_excerpt: bool,
    /// Fields that are shown, by their place among those fetched.
    fields: HashSet<usize>,
    withheld: HashMap<(usize, usize), Withheld>,
}

impl Shown {
    /// Whether a field is shown.
    pub fn has(&self, field: usize) -> bool {
        self.fields.contains(&field)
    }

    /// What all of a value was withheld as.
    pub fn withheld_at(&self, field: usize, value: usize) -> Option<Withheld> {
        self.withheld.get(&(field, value)).copied()
    }
}

/// A withheld text of fewer bytes is not looked for elsewhere: too much else reads the same.
const SHORTEST_LITERAL: usize = 6;

impl<'a> Show<'a> {
    pub fn new(detector: &'a Detector, keys: &'a Keyring, known: &'a Known) -> Self {
        let worker = detector.worker();
        let (names, withheld, literals) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Self { detector, keys, known, worker, names, withheld, literals }
    }

    /// Notes what of a record will be withheld, so that it is recognised elsewhere.
    pub fn note_withheld(&mut self, record: &HeldRecord) {
        for seen in &record.looked.seen {
            if let Some(what) = Withheld::of_type(seen.kind) {
                self.withheld.insert(seen.fp, what);
            }
        }
    }

    /// What was withheld, as it stood.
    pub fn into_literals(self) -> BTreeMap<Vec<u8>, Withheld> {
        self.literals
    }

    /// What is shown of a record; its fields are added to those of the object.
    pub fn record(&mut self, object: &Held<'_>, record: &HeldRecord, fields: &mut Vec<String>) -> Shown {
        let is_document = record.record.kind() == RecordKind::Document;
        let has_others = record.looked.seen.iter().any(|seen| self.is_another(object, record, seen));
        let is_whole = record.is_own && !(is_document && has_others);
        let leads: HashSet<Fingerprint> =
            record.looked.seen.iter().filter(|s| self.is_theirs(record, s)).map(|s| s.fp).collect();
        let mut shown = Shown { is_excerpt: !is_whole, ..Shown::default() };
        for (at, field) in record.looked.fetched.fields.iter().enumerate() {
            for (number, value) in field.values.iter().enumerate() {
                let here: Vec<&Seen> =
                    record.looked.seen.iter().filter(|seen| (seen.field, seen.value) == (at, number)).collect();
                let theirs: Vec<Range<usize>> =
                    here.iter().filter(|seen| leads.contains(&seen.fp)).map(|seen| seen.range.clone()).collect();
                if !is_whole && theirs.is_empty() {
                    continue;
                }
                let stretches = self.stretches(object, record, at, number, value, &here);
                let is_nested = record.looked.within.iter().any(|within| (within.field, within.value) == (at, number));
                let mut out = match std::str::from_utf8(value) {
                    Err(_) if !looks_like_text(value) && stretches.is_empty() => {
                        Redacted { text: format!("[{} bytes that are not text]", value.len()), ..Redacted::default() }
                    }
                    _ if !is_whole && !is_nested && value.contains(&b'\n') => self.excerpt(value, &theirs, &stretches),
                    _ => redacted(value, is_nested, &stretches),
                };
                for (range, why) in &stretches {
                    if let Why::Never(what) = why {
                        self.remember(*what, &value[range.start.min(value.len())..range.end.min(value.len())]);
                        if range.start == 0 && range.end >= value.len() {
                            shown.withheld.insert((at, number), *what);
                        }
                    }
                }
                let name = self.name(&field.name);
                self.look_once_more(&name, &mut out);
                let field = fields.iter().position(|of| *of == name).unwrap_or_else(|| {
                    fields.push(name.clone());
                    fields.len() - 1
                });
                shown.fields.insert(at);
                shown.values.push(self.value(object, field, &name, &here, &stretches, out));
            }
        }
        shown
    }

    /// Whether something is the person's by what is known of them.
    fn is_theirs(&self, record: &HeldRecord, seen: &Seen) -> bool {
        let value = &record.looked.fetched.fields[seen.field].values[seen.value][seen.range.clone()];
        self.known.has(seen.kind, seen.fp, value)
    }

    /// Whether something says who somebody else is.
    fn is_another(&self, object: &Held<'_>, record: &HeldRecord, seen: &Seen) -> bool {
        if self.is_theirs(record, seen) {
            return false;
        }
        let is_own_field =
            record.is_own && object.is_typed(&seen.path) && record.roles.has(&seen.path) && !is_of_another(&seen.path);
        let is_document = record.record.kind() == RecordKind::Document;
        match seen.kind {
            Type::Key => self.is_second_key(record, seen),
            kind if names_a_person(kind) => is_document || !is_own_field,
            _ => false,
        }
    }

    /// Whether a key refers to the same domain as one that led here, and so to somebody else.
    fn is_second_key(&self, record: &HeldRecord, seen: &Seen) -> bool {
        let domain_of = |fp: Fingerprint, roles: &[Role]| {
            let of = record.findings.iter().filter(move |finding| finding.fp == fp);
            of.filter_map(|finding| Role::of_rule(&finding.rule))
                .find(|(role, _)| roles.contains(role))
                .map(|(_, of)| of)
        };
        let Some(domain) = domain_of(seen.fp, &[Role::Belongs, Role::Mentions]) else { return false };
        let led_here = |other: &Seen| {
            other.kind == Type::Key
                && self.is_theirs(record, other)
                && domain_of(other.fp, &[Role::Own, Role::Belongs]) == Some(domain)
        };
        record.looked.seen.iter().any(led_here)
    }

    /// The stretches of a value that are not shown.
    fn stretches(
        &mut self,
        object: &Held<'_>,
        record: &HeldRecord,
        field: usize,
        number: usize,
        value: &[u8],
        here: &[&Seen],
    ) -> Vec<(Range<usize>, Why)> {
        let name = &record.looked.fetched.fields[field].name;
        let mut stretches: Vec<(Range<usize>, Why)> = Vec::new();
        let mut by_name = |path: &str, range: Range<usize>| {
            let of_plan = |plan: &FieldPlan| Withheld::of_field(self.detector, plan, &value[range.clone()]);
            let is_theirs = here.iter().any(|seen| range.contains(&seen.range.start) && self.is_theirs(record, seen));
            if let Some(what) = Withheld::of_name(path).or_else(|| object.plans.get(path).and_then(of_plan)) {
                stretches.push((range, Why::Never(what)));
            } else if is_of_another(path) && !is_theirs && !record.roles.has(path) {
                stretches.push((range, Why::Another(None)));
            }
        };
        by_name(name, 0..value.len());
        for within in record.looked.within.iter().filter(|within| (within.field, within.value) == (field, number)) {
            by_name(&within.path, within.range.clone());
        }
        let others_here = here.iter().any(|seen| self.is_another(object, record, seen));
        for seen in here {
            let is_own_field = record.is_own && object.is_typed(&seen.path) && record.roles.has(&seen.path);
            let is_others_field = object.is_typed(&seen.path) && !record.roles.has(&seen.path);
            let is_theirs = self.is_theirs(record, seen);
            let why = match Withheld::of_type(seen.kind).or_else(|| self.withheld.get(&seen.fp).copied()) {
                Some(_) if is_others_field && !is_theirs => Some(Why::Another(Some(seen.kind))),
                Some(what) => Some(Why::Never(what)),
                None if self.is_another(object, record, seen) => Some(Why::Another(Some(seen.kind))),
                None if others_here && is_about_a_person(seen.kind) && !is_theirs && !is_own_field => {
                    Some(Why::Another(Some(seen.kind)))
                }
                None => None,
            };
            stretches.extend(why.map(|why| (seen.range.clone(), why)));
        }
        // What the index has found here and was not seen again stands in words around it that a line does not have.
        for finding in &record.findings {
            let is_line = record.record.kind() == RecordKind::Line;
            let why = match Withheld::of_type(finding.kind) {
                Some(what) => Why::Never(what),
                None if is_line && names_a_person(finding.kind) => Why::Another(Some(finding.kind)),
                None => continue,
            };
            let is_here =
                self.keys.reveal(&finding.field).is_ok_and(|of| of == **name || of.starts_with(&format!("{name}.")));
            let is_seen = record.looked.seen.iter().any(|seen| seen.fp == finding.fp);
            if is_here && !is_seen && !self.known.has(finding.kind, finding.fp, b"") {
                stretches.push((0..value.len(), why));
            }
        }
        stretches
    }

    /// Of a text that mentions the person, the lines in which they stand.
    fn excerpt(&self, value: &[u8], theirs: &[Range<usize>], stretches: &[(Range<usize>, Why)]) -> Redacted {
        let mut out = Redacted::default();
        let (mut at, lines) = (0, excerpt(value, theirs));
        for line in &lines {
            out.text.push_str(if line.start > at { "[…]\n" } else { "" });
            let within = |(range, why): &(Range<usize>, Why)| {
                let (start, end) = (range.start.max(line.start), range.end.min(line.end));
                (start < end).then(|| (start - line.start..end - line.start, *why))
            };
            let of_line: Vec<_> = stretches.iter().filter_map(within).collect();
            let part = redacted(&value[line.clone()], false, &of_line);
            out.text.push_str(&part.text);
            out.withheld.extend(part.withheld);
            out.others += part.others;
            at = line.end;
        }
        out.text.push_str(if at < value.len() { "[…]" } else { "" });
        out
    }

    /// Looks at what is about to be shown as whoever gets it will see it: behind the name of its field.
    fn look_once_more(&mut self, name: &str, out: &mut Redacted) {
        for _ in 0..3 {
            let text = format!("{name}: {}", out.text);
            let before = text.len() - out.text.len();
            let marks = marks_in(&text);
            let mut found = Vec::new();
            self.worker.text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
                let range = hit.start as usize..hit.end as usize;
                let is_mark = marks.iter().any(|mark| mark.start < range.end && mark.end > range.start);
                if let Some(what) = Withheld::of_type(hit.kind).filter(|_| !is_mark && range.start >= before) {
                    found.push((range.start - before..range.end - before, Why::Never(what)));
                }
            });
            if found.is_empty() {
                return;
            }
            for (range, why) in &found {
                if let Why::Never(what) = why {
                    self.remember(*what, &out.text.as_bytes()[range.clone()]);
                }
            }
            let again = redacted(out.text.as_bytes(), false, &found);
            out.text = again.text;
            out.withheld.extend(again.withheld);
        }
    }

    fn remember(&mut self, what: Withheld, value: &[u8]) {
        let value = value.trim_ascii();
        if value.len() >= SHORTEST_LITERAL {
            self.literals.insert(value.to_vec(), what);
        }
        // The same number, written otherwise.
        let digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
        let is_number = value.iter().all(|byte| byte.is_ascii_digit() || b" -./".contains(byte));
        if is_number && digits.len() > SHORTEST_LITERAL {
            self.literals.insert(digits, what);
        }
    }

    /// The name of a field without what is personal in it.
    fn name(&mut self, field: &str) -> String {
        if let Some(name) = self.names.get(field) {
            return name.clone();
        }
        let name = display(&seal_name(&mut self.worker, self.keys, field));
        self.names.insert(field.to_owned(), name.clone());
        name
    }

    fn value(
        &self,
        object: &Held<'_>,
        field: usize,
        name: &str,
        here: &[&Seen],
        stretches: &[(Range<usize>, Why)],
        out: Redacted,
    ) -> DisclosedValue {
        let (mut categories, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        let is_anothers = |seen: &Seen| {
            let of = |(range, why): &(Range<usize>, Why)| {
                matches!(why, Why::Another(_)) && range.start <= seen.range.start && range.end >= seen.range.end
            };
            stretches.iter().any(of)
        };
        for seen in here.iter().filter(|seen| !is_anothers(seen)) {
            let rule = seen.rule.and_then(|rule| self.detector.rules().get(usize::from(rule.0)));
            categories.extend(rule.map_or(seen.kind.categories(), |rule| rule.categories.as_slice()));
            kinds.insert(seen.kind);
        }
        categories.extend(out.withheld.iter().flat_map(|what| what.categories()));
        if categories.is_empty() {
            categories.extend(category::of_name(&display(&object.info.path), name));
        }
        let text = Sensitive::new(out.text);
        DisclosedValue { field, text, categories, kinds, withheld: out.withheld, others: out.others }
    }
}

/// Where marks stand in a text.
pub(super) fn marks_in(text: &str) -> Vec<Range<usize>> {
    let mut marks = Vec::new();
    for start in ["[withheld: ", "[another person's "] {
        for (at, _) in text.match_indices(start) {
            let end = text[at..].find(']').map_or(text.len(), |end| at + end + 1);
            marks.push(at..end);
        }
    }
    marks
}

/// Text in an encoding of one byte a character has few control characters.
fn looks_like_text(value: &[u8]) -> bool {
    let control = value.iter().filter(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte)).count();
    control == 0
}
