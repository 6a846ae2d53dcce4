//! The data map as the configuration has it: what sources, objects and fields are for, where their contents come from,
//! who gets them, and how long they are kept.
//!
//! `[[map]]` says it of a source, of objects in it or of fields in those; `[[recipient]]` says who somebody is that a
//! `[[map]]` names; `[[accepted_gap]]` says which gap somebody answers for, and until when. What an entry leaves out is
//! not said, what it gives as `[]` is said to be nothing: `sold_to = []` is the statement that nobody buys it. Here
//! they are read and checked against each other; [`crate::map`] resolves them for a field and meets them with the index.
//! What must not be erased, and until when, is `[[retain]]`'s to say, which erasure obeys.

use serde::Deserialize;

use super::{BusinessPurpose, CalendarSpan, ConfigError, Day, Purpose, RecipientCategory, SourceCategory};

/// What is said of a source, of objects in it, or of fields in those.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapEntry {
    /// The source's name.
    pub source: String,
    /// Objects: a name or a glob, a container's name for everything in it; all of the source without.
    pub object: Option<String>,
    /// Fields: a name or a glob; all of the objects without.
    pub field: Option<String>,
    /// Whom it is collected from.
    pub sources: Option<Vec<SourceCategory>>,
    /// What it is collected, used, sold or shared for; nothing, if it is empty, and then `minimise` erases it.
    pub purposes: Option<Vec<Purpose>>,
    /// The business purposes of the statute that it is disclosed for.
    pub business_purposes: Option<Vec<BusinessPurpose>>,
    /// Recipients that buy it.
    pub sold_to: Option<Vec<String>>,
    /// Recipients that it is shared with for cross-context behavioral advertising.
    pub shared_with: Option<Vec<String>>,
    /// Recipients that it is disclosed to for a business purpose.
    pub disclosed_to: Option<Vec<String>>,
    /// Service providers and contractors that process it.
    pub service_providers: Option<Vec<String>>,
    /// How long it is kept.
    pub retention: Option<RetentionPeriod>,
    /// The field of the same object that says when a record was collected.
    pub collected_at: Option<String>,
    /// What kind of system it is.
    pub environment: Option<Environment>,
    /// Who answers for it, and for its gaps.
    pub owner: Option<String>,
    /// The day by which its gaps are to be closed.
    pub due: Option<Day>,
    /// Why it need not be searched for a request to know.
    pub no_search: Option<NoSearch>,
}

/// How long something is kept, §1798.100(a)(3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RetentionFile")]
pub enum RetentionPeriod {
    /// For so long.
    For {
        /// How long.
        keep: CalendarSpan,
        /// From when on.
        from: CountsFrom,
    },
    /// Until something happens: the criterion that decides, where there is no period.
    Until(String),
}

/// What a retention period counts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountsFrom {
    /// The day of collection, as `collected_at` has it.
    Collection,
    /// The day that a field of the same object holds.
    Field(String),
    /// Something that no field tells.
    Event(String),
}

/// What kind of system something stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// In daily use.
    Production,
    /// A rehearsal of it.
    Staging,
    /// For those who build.
    Development,
    /// For those who try.
    Test,
    /// Copies to restore from; erasure may wait until then, 11 CCR §7022(d).
    Backup,
    /// Kept aside; as a backup.
    Archive,
}

/// Why a source need not be searched: all four conditions of 11 CCR §7024(c), each with the fact behind it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSearch {
    /// (1) Why it is not in a searchable or reasonably accessible form.
    pub not_searchable: String,
    /// (2) The law or duty that is the only reason it is kept.
    pub kept_only_for: String,
    /// (3) How it is made sure that it is neither sold nor used for a commercial purpose.
    pub not_sold_or_used: String,
    /// (4) The categories of records, as the person is told them.
    pub described_as: String,
}

/// Somebody who gets personal information.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name by which entries refer to it.
    pub name: String,
    /// Its category, 11 CCR §7001.
    pub category: RecipientCategory,
    /// What it is to the business.
    pub kind: RecipientKind,
    /// Where the contract is that §1798.100(d) asks for.
    pub contract: Option<String>,
    /// How it is told of deletions, corrections and opt-outs: an address, a URL, a procedure.
    pub notify: Option<String>,
    /// Who answers for the relation with it.
    pub owner: Option<String>,
    /// The day by which its gaps are to be closed.
    pub due: Option<Day>,
}

/// What a recipient is to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RecipientKind {
    /// Processes on behalf of the business, §1798.140(ag).
    #[serde(rename = "service provider")]
    ServiceProvider,
    /// Is given it for a business purpose under a contract, §1798.140(j).
    #[serde(rename = "contractor")]
    Contractor,
    /// Anybody else, §1798.140(ai).
    #[serde(rename = "third party")]
    ThirdParty,
}

/// What may be missing from what is said of a field or a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// What an exception or a hold was to keep: it keeps nothing. Nobody can accept that.
    #[serde(skip_deserializing)]
    Hold,
    /// What it is for.
    Purposes,
    /// Whom it is collected from.
    Sources,
    /// Whom it is sold to, shared with and disclosed to.
    Recipients,
    /// How long it is kept.
    Retention,
    /// When it was collected, where retention counts from that.
    CollectedAt,
    /// Who answers for it.
    Owner,
    /// The contract with a recipient.
    Contract,
    /// How a recipient is told.
    Notify,
}

/// A gap that somebody answers for, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedGap {
    /// What is missing.
    pub gap: GapKind,
    /// The source it is missing of.
    pub source: Option<String>,
    /// Objects, as in [`MapEntry::object`].
    pub object: Option<String>,
    /// Fields, as in [`MapEntry::field`].
    pub field: Option<String>,
    /// The recipient it is missing of.
    pub recipient: Option<String>,
    /// Who accepted it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// The last day it is accepted.
    pub until: Day,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RetentionFile {
    Span(String),
    Table(RetentionTable),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RetentionTable {
    keep: Option<String>,
    from: Option<String>,
    after: Option<String>,
    until: Option<String>,
}

impl TryFrom<RetentionFile> for RetentionPeriod {
    type Error = String;

    fn try_from(file: RetentionFile) -> Result<Self, String> {
        let table = match file {
            RetentionFile::Span(span) => RetentionTable { keep: Some(span), ..RetentionTable::default() },
            RetentionFile::Table(table) => table,
        };
        let (from, until) = match (table.from, table.after, table.until) {
            (None, None, None) => (CountsFrom::Collection, None),
            (Some(field), None, None) => (CountsFrom::Field(field), None),
            (None, Some(event), None) => (CountsFrom::Event(event), None),
            (None, None, Some(until)) => (CountsFrom::Collection, Some(until)),
            _ => return Err("a retention has at most one of `from` (a field), `after` (an event) and `until`".into()),
        };
        match (table.keep, until) {
            (Some(keep), None) => Ok(Self::For { keep: keep.parse()?, from }),
            (None, Some(until)) if !until.trim().is_empty() => Ok(Self::Until(until)),
            _ => Err("a retention is a span such as `2y`, `{ keep = \"2y\", from = \"closed_on\" }`, \
                      `{ keep = \"2y\", after = \"the contract ends\" }` or `{ until = \"the account is closed\" }`"
                .into()),
        }
    }
}

impl std::fmt::Display for RetentionPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::For { keep, from: CountsFrom::Collection } => write!(f, "{keep} from collection"),
            Self::For { keep, from: CountsFrom::Field(field) } => write!(f, "{keep} from `{field}`"),
            Self::For { keep, from: CountsFrom::Event(event) } => write!(f, "{keep} after {event}"),
            Self::Until(until) => write!(f, "until {until}"),
        }
    }
}

impl Environment {
    /// The name in the configuration and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
            Self::Test => "test",
            Self::Backup => "backup",
            Self::Archive => "archive",
        }
    }
}

impl RecipientKind {
    /// The name in the configuration and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceProvider => "service provider",
            Self::Contractor => "contractor",
            Self::ThirdParty => "third party",
        }
    }
}

impl GapKind {
    /// All, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::Hold,
        Self::Purposes,
        Self::Sources,
        Self::Recipients,
        Self::Retention,
        Self::CollectedAt,
        Self::Owner,
        Self::Contract,
        Self::Notify,
    ];

    /// The name in the configuration and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Purposes => "purposes",
            Self::Sources => "sources",
            Self::Recipients => "recipients",
            Self::Retention => "retention",
            Self::CollectedAt => "collected_at",
            Self::Owner => "owner",
            Self::Contract => "contract",
            Self::Notify => "notify",
        }
    }

    /// Whether it is a recipient that it is missing of, not a field.
    pub const fn is_of_recipient(self) -> bool {
        matches!(self, Self::Contract | Self::Notify)
    }
}

impl MapEntry {
    /// The four lists of recipients, by the settings' names.
    pub fn recipients(&self) -> [(&'static str, Option<&[String]>); 4] {
        [
            ("sold_to", self.sold_to.as_deref()),
            ("shared_with", self.shared_with.as_deref()),
            ("disclosed_to", self.disclosed_to.as_deref()),
            ("service_providers", self.service_providers.as_deref()),
        ]
    }

    /// The entry as a message names it.
    pub fn title(&self) -> String {
        let part =
            |what, name: &Option<String>| name.as_ref().map_or(String::new(), |name| format!(", {what} `{name}`"));
        format!("`[[map]]` of source `{}`{}{}", self.source, part("object", &self.object), part("field", &self.field))
    }

    fn check(&self, known: &[Recipient]) -> Result<(), ConfigError> {
        let wrong = |reason: String| ConfigError::Value { place: self.title(), reason };
        for (glob, what) in [(&self.object, "object"), (&self.field, "field")] {
            check_glob(glob.as_deref(), what).map_err(wrong)?;
        }
        for (setting, names) in self.recipients() {
            for name in names.unwrap_or_default() {
                let names: Vec<_> = known.iter().map(|r| format!("`{}`", r.name)).collect();
                let of =
                    if names.is_empty() { "none is".to_owned() } else { format!("declared are {}", names.join(", ")) };
                let Some(recipient) = known.iter().find(|r| r.name == *name) else {
                    let cure = format!("declare it as a `[[recipient]]` with `name`, `category` and `kind`; {of}");
                    return Err(wrong(format!("`{setting}` names `{name}`, which is no recipient: {cure}")));
                };
                let is_third = recipient.kind == RecipientKind::ThirdParty;
                match setting {
                    "sold_to" | "shared_with" if !is_third => {
                        return Err(wrong(format!(
                            "`{setting}` names `{name}`, a {}: whoever buys it or gets it for cross-context advertising is a \
                             `third party` (§1798.140(ai)); change the recipient's `kind`, or name it in `disclosed_to`",
                            recipient.kind.name()
                        )));
                    }
                    "service_providers" if is_third => {
                        return Err(wrong(format!(
                            "`service_providers` names `{name}`, a third party: name it in `sold_to`, `shared_with` or \
                             `disclosed_to`, or change the recipient's `kind`"
                        )));
                    }
                    _ => {}
                }
            }
        }
        if self.sources.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("`sources` is empty: name them, or leave the setting out and it is a gap".to_owned()));
        }
        let Some(no_search) = &self.no_search else { return Ok(()) };
        let conditions = [
            ("not_searchable", &no_search.not_searchable),
            ("kept_only_for", &no_search.kept_only_for),
            ("not_sold_or_used", &no_search.not_sold_or_used),
            ("described_as", &no_search.described_as),
        ];
        if let Some((name, _)) = conditions.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(wrong(format!(
                "`{name}` of `no_search` is empty: 11 CCR §7024(c) asks for all four conditions, and for the facts behind them"
            )));
        }
        if self.field.is_some() {
            return Err(wrong(
                "`no_search` is about records: say it of a source or of objects, not of a `field`".into(),
            ));
        }
        match self.recipients()[..2].iter().find(|(_, names)| names.is_some_and(|names| !names.is_empty())) {
            Some((setting, _)) => Err(wrong(format!(
                "`no_search` says that it is not sold or used commercially, `{setting}` that it is: one of them goes"
            ))),
            None => Ok(()),
        }
    }
}

impl AcceptedGap {
    /// The entry as a message names it.
    pub fn title(&self) -> String {
        let part =
            |what, name: &Option<String>| name.as_ref().map_or(String::new(), |name| format!(", {what} `{name}`"));
        let parts = [
            ("source", &self.source),
            ("object", &self.object),
            ("field", &self.field),
            ("recipient", &self.recipient),
        ];
        let parts: String = parts.into_iter().map(|(what, name)| part(what, name)).collect();
        format!("`[[accepted_gap]]` of `{}`{parts}", self.gap.name())
    }

    fn check(&self, known: &[Recipient]) -> Result<(), ConfigError> {
        let wrong = |reason: String| ConfigError::Value { place: self.title(), reason };
        for (glob, what) in [(&self.object, "object"), (&self.field, "field")] {
            check_glob(glob.as_deref(), what).map_err(wrong)?;
        }
        let name = self.gap.name();
        match (self.gap.is_of_recipient(), &self.source, &self.recipient) {
            (false, Some(_), None) => Ok(()),
            (false, _, _) => {
                Err(wrong(format!("`{name}` is missing of fields: give their `source`, and no `recipient`")))
            }
            (true, None, Some(given)) if known.iter().any(|r| r.name == *given) => Ok(()),
            (true, None, Some(given)) => Err(wrong(format!("there is no `[[recipient]]` named `{given}`"))),
            (true, _, _) => {
                Err(wrong(format!("`{name}` is missing of a recipient: give its name as `recipient` alone")))
            }
        }
    }
}

/// Checks the map against itself.
pub(super) fn check(entries: &[MapEntry], known: &[Recipient], accepted: &[AcceptedGap]) -> Result<(), ConfigError> {
    let mut names = std::collections::BTreeSet::new();
    for Recipient { name, .. } in known {
        let wrong =
            |reason: &str| ConfigError::Value { place: format!("recipient `{name}`"), reason: reason.to_owned() };
        if name.trim().is_empty() {
            return Err(wrong("it has no name: entries of the map refer to it by one"));
        }
        if !names.insert(name) {
            return Err(wrong("the name is given twice"));
        }
    }
    entries.iter().try_for_each(|entry| entry.check(known))?;
    accepted.iter().try_for_each(|gap| gap.check(known))
}

/// A name or a glob as a glob. `[]`, which stands in the names of fields of JSON, is no class of characters.
pub fn glob(text: &str) -> Result<globset::Glob, globset::Error> {
    globset::Glob::new(&text.replace("[]", "[[]]"))
}

fn check_glob(text: Option<&str>, what: &str) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    glob(text).map(drop).map_err(|error| format!("`{what}` is neither a name nor a glob: {error}"))
}
