//! Field names, read as people mean them: `customerEmail`, `CUSTOMER E-MAIL` and `customer.email[]` say the same.

use crate::standard;
use crate::{Rule, Type};

/// A field's name, in words.
#[derive(Debug)]
pub(super) struct FieldName {
    /// Words, the parents' in a path first.
    words: Vec<String>,
    /// Where the words of the field itself begin.
    own: usize,
}

/// A rule's hint, compiled.
#[derive(Debug)]
struct Hint {
    joined: String,
    whole: bool,
    person_only: bool,
    weak: bool,
}

/// What a rule knows about names.
#[derive(Debug)]
pub(super) struct Hints {
    hints: Vec<Hint>,
    unless: Vec<String>,
}

/// How a name speaks for a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Match {
    /// More is better: longer hints, and hints that end the name.
    pub score: usize,
    /// Only with personal fields beside it.
    pub person_only: bool,
    /// Only with values that speak for it.
    pub weak: bool,
}

/// What people are to an organisation: `customer_name` is a person's name, `product_name` is not.
pub(super) const ROLES: &[&str] = &[
    "customer",
    "client",
    "user",
    "employee",
    "person",
    "patient",
    "member",
    "guest",
    "owner",
    "holder",
    "recipient",
    "sender",
    "student",
    "pupil",
    "teacher",
    "doctor",
    "physician",
    "driver",
    "applicant",
    "tenant",
    "guardian",
    "child",
    "mother",
    "father",
    "parent",
    "spouse",
    "partner",
    "beneficiary",
    "cardholder",
    "manager",
    "supervisor",
    "agent",
    "assignee",
    "reporter",
    "lead",
    "subscriber",
    "insured",
    "payee",
    "payer",
    "passenger",
    "nurse",
    "caller",
    "candidate",
    "referrer",
    "survivor",
    "victim",
    "resident",
    "citizen",
    "voter",
    "buyer",
    "seller",
    "donor",
    "participant",
    "attendee",
    "respondent",
    "author",
    "signer",
    "signatory",
    "individual",
    "consumer",
    "borrower",
    "shopper",
    "contact",
    "billing",
    "shipping",
    "borrower",
    "provider",
    "prescriber",
    "instructor",
    "professor",
    "worker",
    "staff",
    "personnel",
    "visitor",
    "traveler",
    "traveller",
    "rider",
    "witness",
    "suspect",
    "claimant",
    "policyholder",
    "sibling",
    "wife",
    "husband",
    "dependent",
    "heir",
    "attorney",
    "lawyer",
    "landlord",
    "approver",
    "requester",
    "requestor",
    "submitter",
    "cliente",
    "usuario",
    "empleado",
    "paciente",
    "alumno",
    "persona",
    "beneficiario",
    "titular",
    "contacto",
    "conyuge",
    "hijo",
    "madre",
    "padre",
];

/// Words for tables of people that are no role by themselves.
const PEOPLE: &[&str] = &[
    "people",
    "crm",
    "hr",
    "payroll",
    "roster",
    "signup",
    "registration",
    "account",
    "profile",
    "newsletter",
    "clientes",
    "usuario",
    "alumni",
    "household",
    "family",
    "leads",
    "enrollment",
    "membership",
    "staff",
    "personal",
];

/// Words for tables of things, whose `name` is no person's.
const THINGS: &[&str] = &[
    "product",
    "item",
    "album",
    "artist",
    "track",
    "genre",
    "playlist",
    "song",
    "movie",
    "film",
    "book",
    "company",
    "organization",
    "organisation",
    "vendor",
    "supplier",
    "store",
    "shop",
    "branch",
    "warehouse",
    "country",
    "city",
    "state",
    "region",
    "province",
    "category",
    "department",
    "media",
    "mediatype",
    "tag",
    "brand",
    "model",
    "plan",
    "project",
    "campaign",
    "event",
    "venue",
    "facility",
    "site",
    "camp",
    "school",
    "hospital",
    "clinic",
    "file",
    "folder",
    "role",
    "permission",
    "feature",
    "service",
    "server",
    "host",
    "device",
    "currency",
    "language",
    "template",
    "report",
    "table",
    "column",
    "schema",
    "team",
    "club",
    "league",
    "hotel",
    "restaurant",
    "airport",
    "station",
    "airline",
    "bank",
    "merchant",
    "agency",
    "institution",
    "publisher",
    "label",
    "course",
    "class",
    "subject",
    "producto",
    "empresa",
    "proveedor",
    "tienda",
    "categoria",
];

/// Words for the keys of records.
const KEYS: &[&str] = &["id", "uid", "key", "pk", "sk", "uuid", "guid", "oid", "row", "record", "object", "primary"];

/// Words after or before which a name is about something else: `email_verified`, `phone_type`, `is_member`.
const DERAIL: &[&str] = &[
    "id",
    "key",
    "count",
    "cnt",
    "at",
    "status",
    "type",
    "kind",
    "flag",
    "is",
    "has",
    "verified",
    "validated",
    "confirmed",
    "sent",
    "opt",
    "optin",
    "optout",
    "consent",
    "template",
    "subject",
    "enabled",
    "disabled",
    "time",
    "timestamp",
    "hash",
    "provider",
    "domain",
    "format",
    "label",
    "length",
    "len",
    "score",
    "rate",
    "percent",
    "pct",
    "percentage",
    "avg",
    "average",
    "total",
    "sum",
    "rank",
    "version",
    "source",
    "method",
    "url",
    "uri",
    "link",
    "color",
    "colour",
    "limit",
    "required",
    "visible",
    "preference",
    "frequency",
    "campaign",
    "changed",
    "updated",
    "created",
    "deleted",
    "modified",
    "expire",
    "attempt",
    "icon",
    "image",
    "width",
    "height",
    "index",
    "policy",
    "bucket",
    "path",
    "file",
    "filename",
    "coverage",
    "presence",
    "population",
    "estimate",
    "date",
    "level",
    "size",
    "quality",
    "category",
    "valid",
    "match",
    "error",
    "message",
    "note",
    "comment",
    "description",
    "regex",
    "pattern",
    "md",
    "sha",
];

impl FieldName {
    pub(super) fn new(name: &str) -> Self {
        let components: Vec<&str> = name.split('.').filter(|c| !c.is_empty()).collect();
        let (last, parents) = components.split_last().map_or(("", &[][..]), |(last, parents)| (*last, parents));
        let mut words = Vec::new();
        for parent in parents {
            split_words(parent, &mut words);
        }
        let own = words.len();
        split_words(last, &mut words);
        Self { words, own }
    }

    /// The last name in the path of an object: the table, or the file without its extension.
    pub(super) fn of_object(object: &str) -> Self {
        let name = object.rsplit(['!', '/']).next().unwrap_or(object);
        let name = match name.rsplit_once('.') {
            Some((stem, ext)) if EXTENSIONS.contains(&ext.to_ascii_lowercase().as_str()) => stem,
            Some((_, table)) => table,
            None => name,
        };
        let mut words = Vec::new();
        split_words(name, &mut words);
        Self { words, own: 0 }
    }

    /// Whether it is the name of a table of people.
    pub(super) fn of_people(&self) -> bool {
        self.has_any(ROLES) || self.has_any(PEOPLE)
    }

    /// Whether it is the name of a table of things.
    pub(super) fn of_things(&self) -> bool {
        self.words.last().is_some_and(|word| THINGS.contains(&word.as_str()))
    }

    /// Whether the field holds the keys of its own records: `id`, `uuid`, `row_key`.
    pub(super) fn is_of_keys(&self) -> bool {
        self.own().iter().all(|word| KEYS.contains(&word.as_str()))
    }

    /// The words of the field itself.
    pub(super) fn own(&self) -> &[String] {
        &self.words[self.own..]
    }

    fn has_any(&self, list: &[&str]) -> bool {
        self.words.iter().any(|word| list.contains(&word.as_str()))
    }
}

const EXTENSIONS: &[&str] = &[
    "csv", "tsv", "txt", "json", "jsonl", "ndjson", "parquet", "xml", "sql", "log", "gz", "zst", "zip", "tar", "xlsx",
    "avro", "orc", "db",
];

/// Splits at everything that is neither letter nor digit, before capitals, and between letters and digits; folds each word
/// and takes off a plural.
fn split_words(name: &str, words: &mut Vec<String>) {
    let chars: Vec<char> = name.chars().collect();
    let mut word = String::new();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(in_full(singular(word)));
            word.clear();
        }
    };
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            end(&mut word);
            continue;
        }
        if i > 0 {
            let before = chars[i - 1];
            let next_small = chars.get(i + 1).is_some_and(|n| n.is_lowercase());
            let camel = c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_small));
            if camel || c.is_ascii_digit() != before.is_ascii_digit() {
                end(&mut word);
            }
        }
        word.push(c);
    }
    end(&mut word);
}

/// What the abbreviations of database schemas stand for; of hints, too.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("nm", "name"),
    ("num", "number"),
    ("nbr", "number"),
    ("nr", "number"),
    ("cd", "code"),
    ("dt", "date"),
    ("addr", "address"),
    ("cust", "customer"),
    ("emp", "employee"),
    ("acct", "account"),
    ("usr", "user"),
    ("pt", "patient"),
    ("mbr", "member"),
    ("dx", "diagnosis"),
];

/// A word, or what it abbreviates.
fn in_full(word: String) -> String {
    ABBREVIATIONS.iter().find(|(short, _)| *short == word).map_or(word, |(_, full)| (*full).to_owned())
}

/// The word folded, and without the `s` of its plural; the same for hints, so it need not be a real singular.
fn singular(word: &str) -> String {
    let mut form = Vec::new();
    standard::write(Type::City, word.as_bytes(), false, &mut form);
    let mut word = String::from_utf8(form).unwrap_or_default();
    if word.len() > 3 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.ends_with("sses") {
        word.truncate(word.len() - 2);
    } else if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    word
}

impl Hints {
    pub(super) fn new(rule: &Rule) -> Self {
        let mut hints = Vec::new();
        for text in &rule.field.names {
            let name = text.trim_start_matches(['=', '?', '~']);
            let marks = &text[..text.len() - name.len()];
            let mut add = |name: &str| {
                let mut words = Vec::new();
                split_words(name, &mut words);
                hints.push(Hint {
                    joined: words.concat(),
                    whole: marks.contains('='),
                    person_only: marks.contains('?'),
                    weak: marks.contains('~'),
                });
            };
            if name.contains("@role") {
                ROLES.iter().for_each(|role| add(&name.replace("@role", role)));
            } else {
                add(name);
            }
        }
        let unless = rule.field.unless.iter().map(|word| singular(word)).collect();
        Self { hints, unless }
    }

    /// The best match of a name, if there is one.
    pub(super) fn best(&self, name: &FieldName) -> Option<Match> {
        self.hints.iter().filter_map(|hint| self.matches(hint, name)).max_by_key(|m| (m.score, !m.weak))
    }

    /// Whether a word of the name speaks against the rule.
    pub(super) fn speaks_against(&self, name: &FieldName) -> bool {
        name.own().iter().any(|word| self.unless.contains(word))
    }

    /// Whether a word of the name, or of what it stands in, speaks against the rule.
    pub(super) fn speaks_against_any(&self, name: &FieldName) -> bool {
        name.words.iter().any(|word| self.unless.contains(word))
    }

    fn matches(&self, hint: &Hint, name: &FieldName) -> Option<Match> {
        let words = &name.words;
        for end in (name.own + 1..=words.len()).rev() {
            // From the shortest stretch that ends here to the longest.
            let mut len = 0;
            for start in (0..end).rev() {
                len += words[start].len();
                if len < hint.joined.len() {
                    continue;
                }
                let exact = len == hint.joined.len() && starts_with_joined(&words[start..end], &hint.joined);
                // `custfirstname`: a long hint that ends a word written without gaps.
                let tail = start + 1 == end && hint.joined.len() >= 7 && words[start].ends_with(&hint.joined);
                if exact || (tail && !hint.whole) {
                    let others = || words[name.own..start.max(name.own)].iter().chain(&words[end..]);
                    let alone = others().all(|w| w.bytes().all(|b| b.is_ascii_digit()));
                    let speaks_against = |w: &String| DERAIL.contains(&w.as_str()) || self.unless.contains(w);
                    if (hint.whole && !(alone && start >= name.own)) || others().any(speaks_against) {
                        return None;
                    }
                    let at_end = words[end..].iter().all(|w| w.bytes().all(|b| b.is_ascii_digit()));
                    let score = hint.joined.len() * 4 + usize::from(at_end) * 2 + usize::from(alone);
                    return Some(Match { score, person_only: hint.person_only, weak: hint.weak });
                }
                break;
            }
        }
        None
    }
}

fn starts_with_joined(words: &[String], joined: &str) -> bool {
    let mut rest = joined;
    words.iter().all(|word| rest.strip_prefix(word.as_str()).map(|r| rest = r).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> String {
        FieldName::new(name).words.join(" ")
    }

    #[test]
    fn names_are_read_in_words() {
        let cases = [
            ("FirstName", "first name"),
            ("employeeSSN", "employee ssn"),
            ("IPAddress", "ip address"),
            ("customer.emails[]", "customer email"),
            ("Teléfono móvil", "telefono movil"),
            ("address_line1", "address line 1"),
            ("E-Mail", "e mail"),
            ("addresses", "address"),
        ];
        for (name, want) in cases {
            assert_eq!(words(name), want, "{name}");
        }
        assert_eq!(FieldName::of_object("exports/2026.zip!crm/customers.csv").words, ["customer"]);
        assert_eq!(FieldName::of_object("public.order_items").words, ["order", "item"]);
    }
}
