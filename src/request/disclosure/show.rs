//! What of a record is shown: value by value, without what is never shown and without other people.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use residuum_detect::{Category, Detector, FieldPlan, Fingerprint, Type, Worker};
use residuum_source::{RecordKind, Sensitive};

use super::category;
use super::encoded;
use super::held::{Held, HeldRecord};
use super::look::Seen;
use super::model::DisclosedValue;
use super::redact::{Redacted, Why, excerpt, is_json, redacted};
use super::whose::{Known, is_about_a_person, mentions_a_person, names_a_person};
use super::withheld::Withheld;
use crate::identity::roles::{is_of_another, is_personal};
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
    /// What categories they are of, by field; of nested values by path.
    pub held: BTreeSet<(String, Category)>,
    /// How they are shown, by field and value among those fetched.
    how: HashMap<(usize, usize), How>,
}

/// How a value is shown.
struct How {
    /// Of an excerpt, the lines that are.
    lines: Option<Vec<Range<usize>>>,
    /// What is taken out.
    stretches: Vec<(Range<usize>, Why)>,
}

impl Shown {
    /// Whether it tells anything: a value of which something is shown, or that something is withheld.
    pub fn tells(&self) -> bool {
        let is_told = |value: &DisclosedValue| {
            let text = value.text.expose();
            let marks = marks_in(text);
            let is_marked = |at: usize| marks.iter().any(|mark| mark.contains(&at));
            !value.withheld.is_empty() || text.char_indices().any(|(at, c)| c.is_alphanumeric() && !is_marked(at))
        };
        self.values.iter().any(is_told)
    }

    /// Why something that stands in the record is not shown; `None` if it is.
    pub fn why_not(&self, seen: &Seen) -> Option<Why> {
        let meets = |range: &Range<usize>| range.start < seen.range.end && range.end > seen.range.start;
        match self.how.get(&(seen.field, seen.value)) {
            Some(How { lines, stretches }) if lines.as_ref().is_none_or(|lines| lines.iter().any(meets)) => {
                stretches.iter().filter(|(range, _)| meets(range)).map(|(_, why)| *why).max()
            }
            _ => Some(Why::Another(None)),
        }
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
        let mentions = record.looked.seen.iter().filter(|s| mentions_a_person(s.kind) && self.is_theirs(record, s));
        let leads: HashSet<Fingerprint> = mentions.map(|seen| seen.fp).collect();
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
                let is_cut = !is_whole && !is_nested && value.contains(&b'\n');
                let lines = is_cut.then(|| excerpt(value, &theirs));
                let mut out = match std::str::from_utf8(value) {
                    Err(_) if !looks_like_text(value) && stretches.is_empty() => {
                        Redacted { text: format!("[{} bytes that are not text]", value.len()), ..Redacted::default() }
                    }
                    _ => match &lines {
                        Some(lines) => cut(value, lines, &stretches),
                        None => redacted(value, is_nested, &stretches),
                    },
                };
                for (range, why) in &stretches {
                    if let Why::Never(what) = why {
                        self.remember(*what, &value[range.start.min(value.len())..range.end.min(value.len())]);
                    }
                }
                let name = self.name(&field.name);
                self.look_once_more(&name, &mut out);
                let field = fields.iter().position(|of| *of == name).unwrap_or_else(|| {
                    fields.push(name.clone());
                    fields.len() - 1
                });
                let held = self.held(object, &name, &here, &stretches, &out);
                shown.values.push(DisclosedValue {
                    field,
                    text: Sensitive::new(out.text),
                    categories: held.iter().map(|(_, category)| *category).collect(),
                    kinds: here.iter().filter(|seen| !is_anothers(seen, &stretches)).map(|seen| seen.kind).collect(),
                    withheld: out.withheld,
                    others: out.others,
                });
                shown.held.extend(held);
                shown.how.insert((at, number), How { lines, stretches });
            }
        }
        shown
    }

    /// Whether something is the person's by what is known of them.
    fn is_theirs(&self, record: &HeldRecord, seen: &Seen) -> bool {
        record.knows(self.known, seen)
    }

    /// Whether something says who somebody else is.
    fn is_another(&self, object: &Held<'_>, record: &HeldRecord, seen: &Seen) -> bool {
        if self.is_theirs(record, seen) {
            return false;
        }
        if record.is_another_holders(self.known, seen) {
            return true;
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
            let is_other_holders = record.roles.is_other_number(path)
                && (is_personal(path) || record.roles.is_self(path) || Withheld::of_name(path).is_some());
            if is_other_holders && !is_theirs {
                stretches.push((range, Why::Another(None)));
            } else if let Some(what) = Withheld::of_name(path).or_else(|| object.plans.get(path).and_then(of_plan)) {
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
            let is_other_holders = record.is_another_holders(self.known, seen);
            let is_own_field =
                record.is_own && object.is_typed(&seen.path) && record.roles.has(&seen.path) && !is_other_holders;
            let is_others_field = is_other_holders || object.is_typed(&seen.path) && !record.roles.has(&seen.path);
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
            let is_seen = record.looked.seen.iter().any(|seen| seen.is(finding.fp));
            let is_theirs =
                self.known.has(finding.kind, finding.fp, b"") || record.is_part_of_theirs(self.known, finding);
            if is_here && !is_seen && !is_theirs {
                stretches.push((0..value.len(), why));
            }
        }
        stretches
    }

    /// Looks at what is about to be shown as whoever gets it will see it: behind the name of its field.
    fn look_once_more(&mut self, name: &str, out: &mut Redacted) {
        for _ in 0..3 {
            let text = format!("{name}: {}", out.text);
            let before = text.len() - out.text.len();
            let marks = marks_in(&text);
            let mut found = self.encoded(name, &text[before..]);
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
            let again = redacted(out.text.as_bytes(), is_json(&out.text), &found);
            out.text = again.text;
            out.withheld.extend(again.withheld);
        }
    }

    /// Words of a text that are wholly an encoding of something withheld: what they decode to is looked at like any
    /// value of the field.
    fn encoded(&mut self, name: &str, text: &str) -> Vec<(Range<usize>, Why)> {
        let mut found = Vec::new();
        for word in encoded::words(text) {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            let of_text = |decoded: &String| {
                let mut what = encoded::by_form(decoded);
                let named = format!("{name}: {decoded}");
                self.worker.text(named.as_bytes(), 0..named.len(), &mut |hit, _| {
                    what = what.or_else(|| Withheld::of_type(hit.kind).filter(|_| hit.start as usize > name.len()));
                });
                what
            };
            if let Some(what) = encoded::texts(word).iter().find_map(of_text) {
                found.push((start..start + word.len(), Why::Never(what)));
            }
        }
        found
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

    /// The categories that a value is of, each with the field or the path where it shows.
    fn held(
        &mut self,
        object: &Held<'_>,
        name: &str,
        here: &[&Seen],
        stretches: &[(Range<usize>, Why)],
        out: &Redacted,
    ) -> BTreeSet<(String, Category)> {
        let mut held = BTreeSet::new();
        for seen in here.iter().filter(|seen| !is_anothers(seen, stretches)) {
            let rule = seen.rule.and_then(|rule| self.detector.rules().get(usize::from(rule.0)));
            let categories = rule.map_or(seen.kind.categories(), |rule| rule.categories.as_slice());
            let path = self.name(&seen.path);
            held.extend(categories.iter().map(|category| (path.clone(), *category)));
        }
        let of_field = |category: &Category| (name.to_owned(), *category);
        held.extend(out.withheld.iter().flat_map(|what| what.categories()).map(of_field));
        if held.is_empty() {
            held.extend(category::of_name(&display(&object.info.path), name).iter().map(of_field));
        }
        held
    }
}

/// Whether something stands in a stretch that is another's.
fn is_anothers(seen: &Seen, stretches: &[(Range<usize>, Why)]) -> bool {
    let of = |(range, why): &(Range<usize>, Why)| {
        matches!(why, Why::Another(_)) && range.start <= seen.range.start && range.end >= seen.range.end
    };
    stretches.iter().any(of)
}

/// Of a text that mentions the person, the lines in which they stand.
fn cut(value: &[u8], lines: &[Range<usize>], stretches: &[(Range<usize>, Why)]) -> Redacted {
    let mut out = Redacted::default();
    let mut at = 0;
    for line in lines {
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

/// Where marks stand in a text. What only begins like one stands in the data, and is looked at like anything else there.
pub(super) fn marks_in(text: &str) -> Vec<Range<usize>> {
    let is_mark = |mark: &str| {
        let of_others = Type::ALL.iter().map(|&kind| Why::Another(Some(kind))).chain([Why::Another(None)]);
        Withheld::ALL.iter().map(|&what| Why::Never(what)).chain(of_others).any(|why| why.mark() == mark)
    };
    let starts = ["[withheld: ", "[another person's "].into_iter().flat_map(|start| text.match_indices(start));
    let to_end = |(at, _): (usize, &str)| Some(at..at + text[at..].find(']')? + 1);
    starts.filter_map(to_end).filter(|mark| is_mark(&text[mark.clone()])).collect()
}

/// Text in an encoding of one byte a character has few control characters.
fn looks_like_text(value: &[u8]) -> bool {
    let control = value.iter().filter(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte)).count();
    control == 0
}
