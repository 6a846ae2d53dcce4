//! Typed fields: how the values of a field are read once a plan says what they are. The hot loop of tables.

use std::sync::OnceLock;

use hashbrown::HashSet;
use regex::bytes::{Regex, RegexBuilder};

use super::{FieldPlan, Treatment};
use crate::validate::{self, Validator, digest, email, finance, phone, plausible, us};
use crate::{Hit, Rule, RuleError, RuleId, Type, ValueForm, standard};

/// How values of one rule's type are read in a field.
#[derive(Debug)]
pub(crate) struct Reader {
    kind: Type,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Standard,
    Anything,
    Checked(Validator),
    Pattern(Whole, Option<Validator>),
    List(HashSet<Vec<u8>>),
}

/// A pattern that a whole value must match, compiled when a field first needs it: most are needed by none.
#[derive(Debug)]
struct Whole {
    source: String,
    regex: OnceLock<Regex>,
}

impl Whole {
    fn regex(&self) -> &Regex {
        let compile = || {
            let builder =
                RegexBuilder::new(&self.source).unicode(!self.source.is_ascii()).size_limit(usize::MAX).build();
            builder.expect("the pattern was parsed and measured when its rule was compiled for text")
        };
        self.regex.get_or_init(compile)
    }
}

/// What a value of a field turned out to be.
#[derive(Debug)]
pub(crate) enum Reading<'a> {
    /// A value of the planned type, with its standard form.
    Hit(Hit, &'a [u8]),
    /// A value of the planned type that may be something surer, for these bytes are searched, too. The flag says whether
    /// it is then that instead.
    Surer(Hit, &'a [u8], std::ops::Range<usize>, bool),
    /// Something that must be searched as text: these bytes of the column.
    Search(std::ops::Range<usize>),
}

impl Reader {
    pub(super) fn new(rule: &Rule) -> Result<Self, RuleError> {
        let validator = |name: &String| {
            validate::by_name(name).ok_or_else(|| RuleError::Uncompilable {
                rule: rule.id.clone(),
                message: format!("there is no validator `{name}`"),
            })
        };
        let form = match &rule.field.values {
            ValueForm::Standard => Form::Standard,
            ValueForm::Anything => Form::Anything,
            ValueForm::Validator(name) => Form::Checked(validator(name)?),
            ValueForm::Pattern => {
                let crate::Finder::Pattern(pattern) = &rule.finder else {
                    return Ok(Self { kind: rule.kind, form: Form::Standard });
                };
                let whole = Whole { source: format!("^(?:{pattern})$"), regex: OnceLock::new() };
                Form::Pattern(whole, rule.validator.as_ref().map(validator).transpose()?)
            }
            ValueForm::List(words) => {
                let mut form = Vec::new();
                let mut entry = |word: &String| {
                    standard::write(rule.kind, word.as_bytes(), false, &mut form);
                    form.clone()
                };
                Form::List(words.iter().map(&mut entry).collect())
            }
        };
        Ok(Self { kind: rule.kind, form })
    }

    /// The type of what it reads.
    pub(super) const fn kind(&self) -> Type {
        self.kind
    }

    /// Whether a trimmed value, not empty, is one; `out` then holds its standard form.
    #[inline]
    pub(super) fn read(&self, value: &[u8], day_first: bool, out: &mut Vec<u8>) -> bool {
        match &self.form {
            Form::Standard => standard::write(self.kind, value, day_first, out),
            Form::Anything => !plausible::filler(value) && self.force(value, day_first, out),
            Form::Checked(check) => check(value) && self.force(value, day_first, out),
            Form::Pattern(whole, check) => {
                whole.regex().is_match(value) && check.is_none_or(|c| c(value)) && self.force(value, day_first, out)
            }
            Form::List(words) => standard::write(self.kind, value, day_first, out) && words.contains(out.as_slice()),
        }
    }

    /// The standard form, or where a plausible value has none of its kind, the form of kinds without a standard:
    /// a national telephone number of an unknown country is its digits.
    #[inline]
    fn force(&self, value: &[u8], day_first: bool, out: &mut Vec<u8>) -> bool {
        if standard::write(self.kind, value, day_first, out) {
            return true;
        }
        match self.kind {
            Type::Phone => {
                out.clear();
                out.extend(value.iter().filter(|b| b.is_ascii_digit()));
            }
            Type::IpAddress | Type::Date | Type::DateOfBirth | Type::Email => return false,
            _ => {
                standard::write(Type::Other, value, day_first, out);
            }
        }
        !out.is_empty()
    }
}

/// Values this short hold no identifier that a search without context could find: skipped fields are read so far.
const SHORT: usize = 8;

/// Reads every value of a field as its plan says.
///
/// `reader` is that of the plan's rule. Under [`Treatment::Skip`] values longer than the bound are searched all the same.
pub(crate) fn read(
    plan: &FieldPlan,
    typed: Option<(RuleId, &Reader)>,
    bytes: &[u8],
    offsets: &[u32],
    form: &mut Vec<u8>,
    each: &mut dyn FnMut(usize, Reading<'_>),
) {
    let wary = typed.is_some_and(|(_, reader)| takes_any(reader.kind));
    let skip = matches!(plan.treatment, Treatment::Skip(_));
    for (i, ends) in offsets.windows(2).enumerate() {
        let (start, end) = (ends[0] as usize, ends[1] as usize);
        let value = &bytes[start..end];
        let trimmed = value.trim_ascii_start();
        let from = end - trimmed.len();
        let trimmed = trimmed.trim_ascii_end();
        if trimmed.is_empty() {
            continue;
        }
        // The bytes of a digest may begin or end as white space does.
        let of_digest = matches!(typed, Some((_, Reader { kind: Type::Digest, .. }))) && digest::is_raw(value);
        let (from, trimmed) = if of_digest { (start, value) } else { (from, trimmed) };
        match typed {
            Some((rule, reader)) if reader.read(trimmed, plan.day_first, form) => {
                let hit = Hit {
                    start: from as u32,
                    end: (from + trimmed.len()) as u32,
                    rule,
                    kind: reader.kind,
                    confidence: plan.confidence,
                    is_encoded: false,
                };
                if wary && is_telling(trimmed) {
                    each(i, Reading::Surer(hit, form, from..from + trimmed.len(), of_words(reader.kind)));
                } else {
                    each(i, Reading::Hit(hit, form));
                }
            }
            _ if skip && (trimmed.len() <= SHORT || validate::date::parse(trimmed).is_some()) => {}
            _ => each(i, Reading::Search(start..end)),
        }
    }
}

/// Kinds of which nearly any value can be one, so that a value may be something surer.
pub(super) const fn takes_any(kind: Type) -> bool {
    of_words(kind)
        || matches!(
            kind,
            Type::Other
                | Type::Mrn
                | Type::UsBankAccount
                | Type::NationalId
                | Type::UsDriverLicense
                | Type::UsPassport
                | Type::Password
                | Type::ApiKey
                | Type::DeviceId
                | Type::MedicalLicense
        )
}

/// Kinds of which a value is one only if it is nothing else: an account's name that is an e-mail address is the address.
const fn of_words(kind: Type) -> bool {
    matches!(
        kind,
        Type::Username
            | Type::PersonName
            | Type::StreetAddress
            | Type::City
            | Type::Organization
            | Type::Occupation
            | Type::Health
    )
}

/// Whether a whole value has a shape of its own that hardly anything else has: an e-mail address, a telephone number with
/// its country, a social security number or a card in groups, an IBAN.
fn is_telling(value: &[u8]) -> bool {
    let packed = |check: fn(&[u8]) -> bool| {
        let mut digits = [0; 34];
        let mut len = 0;
        for byte in value.iter().filter(|b| !matches!(b, b' ' | b'-')) {
            let Some(slot) = digits.get_mut(len) else { return false };
            *slot = byte.to_ascii_uppercase();
            len += 1;
        }
        check(&digits[..len])
    };
    match value {
        [b'+', ..] => phone::parse(value, None).is_some(),
        [_, _, _, b'-', _, _, b'-', _, _, _, _] => packed(us::ssn),
        [b'0'..=b'9', ..] if matches!(value.get(4), Some(b' ' | b'-')) => packed(finance::card),
        [a, b, c, d, ..]
            if [a, b].iter().all(|x| x.is_ascii_alphabetic()) && [c, d].iter().all(|x| x.is_ascii_digit()) =>
        {
            value.len() >= SHORTEST_IBAN && packed(finance::iban) || email::address(value)
        }
        _ => value.contains(&b'@') && email::address(value),
    }
}

/// A Norwegian one.
const SHORTEST_IBAN: usize = 15;
