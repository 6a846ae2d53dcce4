//! Planning: what a field holds, by its name, its values, and what the source says.

use residuum_source::{Batch, Column, Logical};

use super::likeness;
use super::name::{FieldName, Hints, Match};
use super::refusal::Refusal;
use super::values::{self, Reader};
use super::{FieldPlan, Treatment};
use crate::validate::{date, digest, plausible};
use crate::{Rule, RuleError, Type};

/// The rules' knowledge of fields, compiled.
#[derive(Debug)]
pub(crate) struct Fields {
    hints: Vec<Hints>,
    readers: Vec<Reader>,
    /// Rules whose values type a field whatever its name.
    alone: Vec<usize>,
    /// Names that show a record is about a person.
    personal: Vec<usize>,
}

/// Values of a field that are looked at for a plan.
const SAMPLE: usize = 400;

/// What stands around a field.
struct Surroundings {
    object: FieldName,
    /// For each column, whether its name alone is that of a personal field.
    personal: Vec<bool>,
    /// Whether two columns are the halves of a person's name.
    halves: bool,
}

/// Names of columns that mean the halves of a person's name only beside one another.
const HALVES: [(&str, &str); 3] = [("first", "last"), ("given", "family"), ("first", "surname")];

/// The values that a plan is made from, trimmed, none empty.
struct Profile<'a> {
    values: Vec<&'a [u8]>,
    longest: usize,
}

impl Fields {
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let which = |wanted: &dyn Fn(&Rule) -> bool| {
            rules.iter().enumerate().filter(|(_, rule)| wanted(rule)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        Ok(Self {
            hints: rules.iter().map(Hints::new).collect(),
            readers: rules.iter().map(Reader::new).collect::<Result<_, _>>()?,
            alone: which(&|rule| rule.field.alone > 0),
            personal: which(&|rule| {
                matches!(
                    rule.kind,
                    Type::Email
                        | Type::Phone
                        | Type::DateOfBirth
                        | Type::UsSsn
                        | Type::PersonName
                        | Type::StreetAddress
                        | Type::Gender
                )
            }),
        })
    }

    /// The reader of a rule.
    pub(crate) fn reader(&self, rule: usize) -> &Reader {
        &self.readers[rule]
    }

    /// A plan for each column of a batch, from their names and the values in it.
    pub(crate) fn plan(&self, rules: &[Rule], object: &str, batch: &Batch) -> Vec<FieldPlan> {
        let names: Vec<_> = batch.columns.iter().map(|column| FieldName::new(&column.field)).collect();
        let personal = names.iter().map(|name| self.is_personal(name)).collect();
        let has = |word: &str| names.iter().any(|name| matches!(name.own(), [own] if own == word));
        let halves = HALVES.iter().any(|(one, other)| has(one) && has(other));
        let around = Surroundings { object: FieldName::of_object(object), personal, halves };
        let each = batch.columns.iter().zip(&names).enumerate();
        each.map(|(i, (column, name))| self.plan_column(rules, column, name, i, &around)).collect()
    }

    fn is_personal(&self, name: &FieldName) -> bool {
        let strong = |m: Match| !m.person_only && !m.weak;
        self.personal.iter().any(|&rule| self.hints[rule].best(name).is_some_and(strong))
    }

    fn plan_column(
        &self,
        rules: &[Rule],
        column: &Column,
        name: &FieldName,
        index: usize,
        around: &Surroundings,
    ) -> FieldPlan {
        let mut plan = FieldPlan::search(&*column.field);
        // Running text has no name: nothing types it.
        if column.window.is_some() || (column.field.is_empty() && column.len() <= 1) {
            return plan;
        }
        if column.logical == Logical::Bool {
            return skip(plan, "truth values hold no identifier");
        }
        let profile = Profile::new(column);
        let of_person = around.of_person(index);
        let mut candidates: Vec<(usize, Match)> = (0..rules.len())
            .filter_map(|rule| self.hints[rule].best(name).map(|m| (rule, m)))
            .filter(|(_, m)| !m.person_only || of_person)
            .collect();
        // Strong before weak; among equals, kinds whose values prove something before those that take any words.
        candidates.sort_by_key(|&(rule, m)| (m.weak, usize::MAX - m.score, permissive(rules[rule].kind), rule));
        if profile.values.is_empty() {
            if let Some(&(rule, m)) = candidates.first().filter(|(_, m)| !m.weak && !m.person_only) {
                let _ = m;
                plan.treatment = Treatment::Typed(rules[rule].id.clone());
                plan.confidence = rules[rule].confidence.min(700);
                plan.evidence.push("by its name; no values seen".to_owned());
            }
            return plan;
        }
        for &(rule, m) in &candidates {
            if let Some(typed) = self.by_name(&rules[rule], rule, m, &profile, &plan.field) {
                // Where every account is named by its e-mail address, the field is one of e-mail addresses.
                let surer = (values::takes_any(rules[rule].kind) && !is_secret(rules[rule].kind))
                    .then(|| self.by_values(rules, name, &profile, &plan.field, &|kind| telling(kind)))
                    .flatten();
                return surer.unwrap_or_else(|| searched_if_it_holds_others(typed, rules[rule].kind));
            }
        }
        let may_be =
            |kind| kind != Type::Digest || !name.is_of_keys() && !self.is_of_things(kind, [name, &around.object]);
        if let Some(typed) = self.by_values(rules, name, &profile, &plan.field, &may_be) {
            let is_url = |rule: &Rule| {
                rule.kind == Type::Url && matches!(&typed.treatment, Treatment::Typed(id) if *id == rule.id)
            };
            let kind = if rules.iter().any(is_url) { Type::Url } else { Type::Other };
            return searched_if_it_holds_others(typed, kind);
        }
        if let Some(&(rule, _)) = candidates.iter().find(|(_, m)| !m.weak) {
            plan.evidence.push(format!("the name suggests `{}`, the values do not", rules[rule].id));
            plan.hint = Some(rules[rule].id.clone());
        }
        match column.logical {
            Logical::Date | Logical::Timestamp => skip(plan, "points in time hold no identifier"),
            Logical::Integer if plan.hint.is_none() && profile.longest <= 8 => {
                skip(plan, "whole numbers of at most 8 digits are no identifier without a name that says so")
            }
            _ => plan,
        }
    }

    /// The plan for a rule that the name speaks for, if the values bear it out.
    fn by_name(&self, rule: &Rule, number: usize, m: Match, profile: &Profile<'_>, field: &str) -> Option<FieldPlan> {
        let day_first = is_date(rule.kind) && profile.day_first();
        let rate = self.rate(number, profile, day_first);
        let needed = if m.weak { rule.field.rate.max(800) } else { rule.field.rate };
        if rate == 0 || rate < needed {
            return None;
        }
        let mut evidence = vec![
            format!("the name is one of rule `{}`", rule.id),
            format!("{} of {} values read as {}", profile.share(rate), profile.values.len(), rule.kind.name()),
        ];
        if m.weak || m.person_only || rule.kind == Type::PersonName {
            let likeness = likeness::of(rule.kind, &profile.values)?;
            let enough = if m.weak || m.person_only { likeness.speaks_for() } else { !likeness.speaks_against() };
            if !enough {
                return None;
            }
            evidence.push(likeness.evidence());
        }
        Some(FieldPlan {
            field: field.to_owned(),
            treatment: Treatment::Typed(rule.id.clone()),
            confidence: if m.weak || m.person_only { 800 } else { rule.confidence.max(900) },
            hint: None,
            day_first,
            evidence,
        })
    }

    /// The plan for the rule whose type the values have by themselves.
    fn by_values(
        &self,
        rules: &[Rule],
        name: &FieldName,
        profile: &Profile<'_>,
        field: &str,
        wanted: &dyn Fn(Type) -> bool,
    ) -> Option<FieldPlan> {
        let refusal = Refusal::of_name(name);
        let fits = |rule: usize| {
            let kind = rules[rule].kind;
            let refused = refusal.is_some_and(|refusal| refusal.refuses(kind));
            if !wanted(kind) || refused || self.hints[rule].speaks_against(name) {
                return None;
            }
            if kind == Type::Digest && !digest::are_most_of(&profile.values) {
                return None;
            }
            let proofs = profile.values.iter().filter(|v| proves(rules[rule].kind, v)).count();
            if proofs * 1000 < profile.values.len() * usize::from(rules[rule].field.alone) {
                return None;
            }
            let rate = self.rate(rule, profile, false);
            (rate >= rules[rule].field.alone).then_some((rate, rule))
        };
        let (rate, rule) =
            self.alone.iter().filter_map(|&rule| fits(rule)).max_by_key(|&(rate, rule)| (rate, usize::MAX - rule))?;
        let rule = &rules[rule];
        Some(FieldPlan {
            field: field.to_owned(),
            treatment: Treatment::Typed(rule.id.clone()),
            confidence: rule.confidence,
            hint: None,
            day_first: false,
            evidence: vec![format!(
                "{} of {} values read as {}",
                profile.share(rate),
                profile.values.len(),
                rule.kind.name()
            )],
        })
    }

    /// Whether names speak of what is no person's: the digests of commits and files have the shape of any other.
    fn is_of_things(&self, kind: Type, names: [&FieldName; 2]) -> bool {
        let speaks_against = |rule: usize| names.iter().any(|name| self.hints[rule].speaks_against_any(name));
        self.alone.iter().any(|&rule| self.readers[rule].kind() == kind && speaks_against(rule))
    }

    /// Share of the values, in thousandths, that a rule reads.
    fn rate(&self, rule: usize, profile: &Profile<'_>, day_first: bool) -> u16 {
        let mut form = Vec::new();
        let read = profile.values.iter().filter(|v| self.readers[rule].read(v, day_first, &mut form)).count();
        (read * 1000 / profile.values.len()) as u16
    }
}

impl Surroundings {
    /// Whether the records of the object are people, judged without one of its columns.
    fn of_person(&self, without: usize) -> bool {
        let beside = self.personal.iter().enumerate().any(|(i, personal)| *personal && i != without);
        !self.object.of_things() && (beside || self.halves || self.object.of_people())
    }
}

impl<'a> Profile<'a> {
    fn new(column: &'a Column) -> Self {
        let filled = column.offsets.windows(2).filter(|ends| ends[0] < ends[1]).count();
        let step = filled.div_ceil(SAMPLE).max(1);
        // The bytes of a digest may begin or end as white space does.
        let trim = |value: &'a [u8]| if digest::is_raw(value) { value } else { value.trim_ascii() };
        let trimmed = (0..column.len()).map(|i| trim(column.value(i))).filter(|v| !v.is_empty());
        let longest = column.offsets.windows(2).map(|ends| (ends[1] - ends[0]) as usize).max().unwrap_or(0);
        let none = |v: &&[u8]| !plausible::filler(v) && *v != b"\\N";
        Self { values: trimmed.step_by(step).filter(none).collect(), longest }
    }

    fn share(&self, rate: u16) -> usize {
        (usize::from(rate) * self.values.len()).div_ceil(1000)
    }

    /// Whether dates are written day first: some can only be read so, and none only the other way.
    fn day_first(&self) -> bool {
        let (mut day, mut month) = (0, 0);
        for value in &self.values {
            let first = value.iter().take_while(|b| b.is_ascii_digit()).count();
            let separated = value.get(first).is_some_and(|b| matches!(b, b'/' | b'.' | b'-'));
            if let (1..=2, true, Some(read)) = (first, separated, date::parse(value)) {
                let leading = crate::validate::number(&value[..first]);
                let numeric = value[first + 1].is_ascii_digit();
                if numeric && !read.ambiguous && read.day != read.month {
                    *(if leading == u64::from(read.day) { &mut day } else { &mut month }) += 1;
                }
            }
        }
        day > 0 && month == 0
    }
}

fn skip(mut plan: FieldPlan, reason: &str) -> FieldPlan {
    plan.treatment = Treatment::Skip(reason.to_owned());
    plan
}

fn is_date(kind: Type) -> bool {
    matches!(kind, Type::Date | Type::DateOfBirth)
}

/// Kinds that are plausible for almost any words, so others are asked first.
fn permissive(kind: Type) -> bool {
    matches!(
        kind,
        Type::PersonName
            | Type::City
            | Type::StreetAddress
            | Type::Organization
            | Type::Occupation
            | Type::Username
            | Type::Health
    )
}

/// Kinds of which a value is one whatever else it is.
const fn is_secret(kind: Type) -> bool {
    matches!(kind, Type::Password | Type::ApiKey)
}

/// Kinds that all values of a field are only if they are meant to be.
const fn telling(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::Iban)
}

/// Whether a value's own form says what it is, beyond what a lucky number would.
fn proves(kind: Type, value: &[u8]) -> bool {
    let separators = value.iter().filter(|b| matches!(b, b'-' | b' ' | b'.' | b'(' | b')' | b'+')).count();
    match kind {
        Type::Phone => {
            value.first() == Some(&b'+') || (separators >= 2 && !value.contains(&b'.')) || value.starts_with(b"tel:")
        }
        Type::UsSsn => separators == 2,
        _ => true,
    }
}

/// A web address may have somebody's identifiers in its path or query: reading it as one value would miss them.
fn searched_if_it_holds_others(mut plan: FieldPlan, kind: Type) -> FieldPlan {
    if kind == Type::Url {
        plan.treatment = Treatment::Search;
        plan.evidence.push("searched, because a web address may hold identifiers".to_owned());
    }
    plan
}
