//! From rules to the engine: which rule uses which recogniser, which phrase means what, which pattern runs where.

use super::named::{self, Sign};
use super::pattern::{Pattern, openers};
use super::words::{Builder, Event, Lexicon, NameKind};
use crate::kernel::Kernel;
use crate::validate::{self, Validator};
use crate::{Finder, Rule, RuleError, Type};

/// Flag of an event: the engine does something at such a word.
pub(super) const ACTS: u64 = 1 << 63;
/// Flag of an event: a number behind the word is not a person's.
pub(super) const REFUSES: u64 = 1 << 62;
/// The other flags say of which rules a word may be context, each standing for several rules.
const CONTEXT_FLAGS: u16 = 62;

/// The flag of words that may be context of a rule; several rules may share it.
#[inline]
pub(super) const fn context_flag(rule: u16) -> u64 {
    1 << (rule % CONTEXT_FLAGS)
}

macro_rules! recognisers {
    ($($variant:ident $name:literal,)*) => {
        /// What the engine recognises by itself; rules refer to them by name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Recogniser { $($variant,)* }

        impl Recogniser {
            const NAMES: &[&str] = &[$($name,)*];

            fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

recognisers! {
    Email "email",
    Phone "phone",
    Ssn "ssn",
    Itin "itin",
    Ein "ein",
    Card "card",
    Iban "iban",
    Aba "aba",
    Npi "npi",
    Ipv4 "ipv4",
    Ipv6 "ipv6",
    Mac "mac",
    Url "url",
    Vin "vin",
    Uuid "uuid",
    Imei "imei",
    Date "date",
    Coordinate "coordinate",
    Crypto "crypto",
    Digest "digest",
    Credential "credential",
    Person "person",
    Address "address",
    City "city",
    PostalCode "postal_code",
    Organization "organization",
    UrlPassword "url_password",
}

/// Rules compiled for running text.
pub(crate) struct Engine {
    pub kernel: Kernel,
    pub lexicon: Lexicon,
    /// What each phrase of the lexicon means.
    pub meanings: Vec<Meaning>,
    /// By number.
    pub rules: Vec<Compiled>,
    pub patterns: Vec<Pattern>,
    /// Patterns that no word opens: they run over the whole text.
    pub everywhere: Vec<u16>,
    users: Vec<Vec<u16>>,
    /// Farthest that any rule looks for context, in bytes.
    pub near: usize,
}

/// What the engine needs of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub kind: Type,
    pub confidence: u16,
    pub weight: u16,
    pub near: u16,
    pub required: bool,
    pub has_context: bool,
    pub validator: Option<Validator>,
    /// Whether the validator computes a check digit.
    pub checked: bool,
}

/// Sets something of what a phrase means; `false` if the lexicon cannot hold it.
type Mean<'a> = dyn FnMut(&str, &mut dyn FnMut(&mut Meaning)) -> bool + 'a;

/// What a phrase means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meaning {
    /// Rules whose context it is.
    pub context: Vec<u16>,
    /// Rules whose dictionary it is an entry of.
    pub entry_of: Vec<u16>,
    /// Patterns that are tried around it.
    pub opens: Vec<u16>,
    /// Whether it is a month's name.
    pub month: bool,
    /// Whether it begins a web address without a scheme.
    pub web: bool,
    /// Whether a number just behind it is something else.
    pub refuses: bool,
    /// What it is a sign of: a name, an address.
    pub signs: Vec<Sign>,
    /// Whether any of the fields that make the engine act is set.
    pub acts: bool,
}

impl Engine {
    /// Compiles rules for the best kernel of this processor.
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut builder = Builder::default();
        let mut meanings: Vec<Meaning> = Vec::new();
        let mut engine = Self {
            kernel: Kernel::best(),
            lexicon: Builder::default().build(|_| 0),
            meanings: Vec::new(),
            rules: Vec::with_capacity(rules.len()),
            patterns: Vec::new(),
            everywhere: Vec::new(),
            users: vec![Vec::new(); Recogniser::NAMES.len()],
            near: 0,
        };
        let mut mean = |phrase: &str, set: &mut dyn FnMut(&mut Meaning)| {
            let Some(number) = builder.add(phrase) else { return false };
            meanings.resize_with(meanings.len().max(number as usize + 1), Meaning::default);
            set(&mut meanings[number as usize]);
            true
        };
        for (number, rule) in (0u16..).zip(rules) {
            engine.rules.push(compiled(rule)?);
            engine.near = engine.near.max(usize::from(engine.rules[usize::from(number)].near));
            let words = rule.context.as_ref().map_or(&[][..], |c| &c.words);
            for word in words {
                if !mean(word, &mut |m| m.context.push(number)) {
                    return Err(uncompilable(
                        rule,
                        format!("the context word `{word}` must begin with a word of at most 40 letters"),
                    ));
                }
            }
            match &rule.finder {
                Finder::Recogniser(name) => match Recogniser::from_name(name) {
                    Some(recogniser) => {
                        engine.users[recogniser as usize].push(number);
                        if recogniser == Recogniser::Credential {
                            for pattern in CREDENTIALS {
                                engine.add_pattern(rule, number, pattern, &mut mean)?;
                            }
                        }
                    }
                    None => {
                        let known = Recogniser::NAMES.join("`, `");
                        return Err(uncompilable(
                            rule,
                            format!("there is no recogniser `{name}`: use one of `{known}`"),
                        ));
                    }
                },
                Finder::Pattern(pattern) => engine.add_pattern(rule, number, pattern, &mut mean)?,
                Finder::Dictionary(entries) => {
                    let odd: Vec<_> = entries
                        .iter()
                        .filter(|e| !mean(e, &mut |m| m.entry_of.push(number)))
                        .map(|e| regex::escape(e))
                        .collect();
                    if !odd.is_empty() {
                        let pattern = format!(r"(?i)(?:^|\b)(?:{})(?:\b|$)", odd.join("|"));
                        engine.add_pattern(rule, number, &pattern, &mut mean)?;
                    }
                }
                Finder::FieldOnly => {}
            }
        }
        if !engine.users(Recogniser::Date).is_empty() {
            for month in MONTHS.split_whitespace() {
                mean(month, &mut |m| m.month = true);
            }
        }
        let uses = |recogniser: Recogniser| !engine.users[recogniser as usize].is_empty();
        let places = uses(Recogniser::Address) || uses(Recogniser::City) || uses(Recogniser::PostalCode);
        named::signs(uses(Recogniser::Person), places, uses(Recogniser::Organization), |word, sign| {
            mean(word, &mut |m| m.signs.push(sign));
        });
        if uses(Recogniser::Url) {
            mean("www", &mut |m| m.web = true);
        }
        for refusal in REFUSALS.split_whitespace() {
            mean(refusal, &mut |m| m.refuses = true);
        }
        for meaning in &mut meanings {
            meaning.acts = meaning.month
                || meaning.web
                || !meaning.signs.is_empty()
                || !meaning.entry_of.is_empty()
                || !meaning.opens.is_empty();
        }
        engine.lexicon = builder.build(|phrase| engine.flags(&meanings[phrase as usize]));
        if uses(Recogniser::Person) {
            let kinds = named::NAMES.map(|(sign, list, spellings)| {
                let phrase = meanings.len() as u32;
                meanings.push(Meaning { signs: vec![sign], acts: true, ..Meaning::default() });
                NameKind { phrase, flags: ACTS, list, spellings }
            });
            engine.lexicon.add_names(kinds);
        }
        engine.meanings = meanings;
        Ok(engine)
    }

    /// The rules that use a recogniser.
    #[inline]
    pub(crate) fn users(&self, recogniser: Recogniser) -> &[u16] {
        &self.users[recogniser as usize]
    }

    /// Whether any rule uses a recogniser.
    #[inline]
    pub(crate) fn wants(&self, recogniser: Recogniser) -> bool {
        !self.users(recogniser).is_empty()
    }

    /// Whether a word is context of a rule.
    #[inline]
    pub(crate) fn means(&self, event: &Event, rule: u16) -> bool {
        event.flags & context_flag(rule) != 0 && self.meanings[event.phrase as usize].context.contains(&rule)
    }

    fn flags(&self, meaning: &Meaning) -> u64 {
        let context = meaning.context.iter().fold(0, |flags, rule| flags | context_flag(*rule));
        let acts = if meaning.acts { ACTS } else { 0 };
        context | acts | if meaning.refuses { REFUSES } else { 0 }
    }

    fn add_pattern(&mut self, rule: &Rule, number: u16, pattern: &str, mean: &mut Mean<'_>) -> Result<(), RuleError> {
        let index = self.patterns.len() as u16;
        let required = rule.context.as_ref().filter(|context| context.required);
        let openers = required.map_or_else(|| openers(pattern), |context| context.words.clone());
        let opened = !openers.is_empty() && openers.iter().all(|word| mean(word, &mut |m| m.opens.push(index)));
        if !opened {
            self.everywhere.push(index);
        }
        let anchored = opened && required.is_none();
        let pattern = if anchored { Pattern::anchored(number, pattern) } else { Pattern::new(number, pattern) };
        let pattern = pattern.map_err(|message| uncompilable(rule, message))?;
        self.patterns.push(pattern);
        Ok(())
    }
}

fn compiled(rule: &Rule) -> Result<Compiled, RuleError> {
    let validator = match &rule.validator {
        Some(name) => {
            let found = validate::by_name(name);
            Some(found.ok_or_else(|| uncompilable(rule, format!("there is no validator `{name}`")))?)
        }
        None => None,
    };
    let context = rule.context.as_ref();
    Ok(Compiled {
        kind: rule.kind,
        confidence: rule.confidence.min(1000),
        weight: context.map_or(0, |c| c.weight.min(1000)),
        near: context.map_or(0, |c| c.near.min(super::AHEAD)) as u16,
        required: context.is_some_and(|c| c.required),
        has_context: context.is_some(),
        validator,
        checked: rule.validator.as_deref().is_some_and(validate::has_check_digit),
    })
}

fn uncompilable(rule: &Rule, message: String) -> RuleError {
    RuleError::Uncompilable { rule: rule.id.clone(), message }
}

/// English and Spanish months as [`crate::validate::date`] reads them.
const MONTHS: &str = "january february march april may june july august september october november december \
    jan feb mar apr jun jul aug sep sept oct nov dec \
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";

/// Words whose number is not a person's.
const REFUSALS: &str = "sku order invoice item part ticket case version ver release build firmware revision rev \
    tracking span trace isbn issn lot batch serial model po upc ean article asin commit port pid tid offset seq checksum \
    section chapter clause pedido factura artículo serie versión referencia lote";

/// Credentials whose issuers mark them with a word of their own, by the issuers' documentation; those that are one
/// long word are in [`super::code`].
const CREDENTIALS: &[&str] = &[
    r"gh[opsur]_[A-Za-z0-9]{36,}\b",
    r"github_pat_[A-Za-z0-9_]{40,}\b",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}\b",
    r"sk-(?:ant|proj|or|svcacct)-[A-Za-z0-9_-]{20,}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"npm_[A-Za-z0-9]{36}\b",
    r"pypi-[A-Za-z0-9_-]{32,}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b",
    r"BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{32,}-----END (?:[A-Z]+ )*PRIVATE KEY",
];
