//! Whose a value is that stands in a person's record: theirs, or somebody else's who is mentioned there.
//!
//! A value is the person's if it is one that led to them, or stands in a record of their own in a field that is about
//! the same role: beside `requester_email` that led here, `requester_name` is theirs and `agent_name` is not. Where a
//! name does not tell, the value is taken for another's: giving one person another's data is a breach.

use std::collections::{BTreeSet, HashSet};

use residuum_detect::{Fingerprint, Type, standard_form};

use crate::identity::{Identifier, Location, Subject};

/// What is known to be the person's.
#[derive(Default)]
pub(super) struct Known {
    fps: HashSet<Fingerprint>,
    /// Words of their names.
    names: HashSet<Vec<u8>>,
}

impl Known {
    /// What was supplied, and what led to the person.
    pub fn new<'l>(subject: &Subject, locations: impl Iterator<Item = &'l Location>) -> Self {
        let mut known = Self::default();
        known.fps.extend(locations.map(|location| location.finding.fp));
        for identifier in &subject.identifiers {
            if let Identifier::Value { kind: Type::PersonName, form } = identifier {
                known.add_name(form.expose());
            }
        }
        known
    }

    /// The fingerprints of what is theirs.
    pub fn fps(&self) -> &HashSet<Fingerprint> {
        &self.fps
    }

    /// Takes a value of a record of their own for theirs.
    pub fn add(&mut self, kind: Type, fp: Fingerprint, value: &[u8]) {
        self.fps.insert(fp);
        if kind == Type::PersonName
            && let Some(form) = standard_form(kind, &String::from_utf8_lossy(value))
        {
            self.add_name(&form);
        }
    }

    fn add_name(&mut self, form: &[u8]) {
        self.names.extend(form.split(|&byte| byte == b' ').filter(|word| word.len() > 1).map(<[u8]>::to_vec));
    }

    /// Whether a value is theirs. A name is, if all of its words are; an initial is if a word of theirs begins so.
    pub fn has(&self, kind: Type, fp: Fingerprint, value: &[u8]) -> bool {
        if self.fps.contains(&fp) {
            return true;
        }
        if kind != Type::PersonName || self.names.is_empty() {
            return false;
        }
        let Some(form) = standard_form(kind, &String::from_utf8_lossy(value)) else { return false };
        let words: Vec<&[u8]> = form.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect();
        let is_theirs = |word: &&[u8]| match word {
            [initial] | [initial, b'.'] => self.names.iter().any(|name| name[0] == *initial),
            word => self.names.contains(*word) || TITLES.iter().any(|title| title.as_bytes() == *word),
        };
        words.iter().all(is_theirs) && words.iter().any(|word| self.names.contains(*word))
    }
}

/// Words before a name, which identify nobody.
const TITLES: [&str; 8] = ["mr", "mrs", "ms", "miss", "dr", "mr.", "mrs.", "ms."];

/// Whether a value of this type says by itself who somebody is.
pub(super) const fn names_a_person(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::Phone | Type::PersonName | Type::Username | Type::Npi | Type::Maid | Type::Vin)
}

/// Whether a record of another's in which a value of the person's stands mentions them by it: a city or a gender is many
/// people's.
pub(super) fn mentions_a_person(kind: Type) -> bool {
    names_a_person(kind) || Identifier::is_strong_as(kind)
}

/// Whether a value of this type is about somebody, and so another's where another person is mentioned beside it.
pub(super) const fn is_about_a_person(kind: Type) -> bool {
    !matches!(kind, Type::Date | Type::Organization | Type::Url | Type::Other | Type::Key | Type::City)
}

/// The roles in which a person stands in a record, by the fields that led there.
pub(in crate::request) struct Roles {
    here: Vec<BTreeSet<String>>,
    fields: Vec<String>,
    /// What the names of all fields begin with: the list whose elements are records.
    list: String,
}

impl Roles {
    /// By the names of those fields.
    pub fn new<'f>(fields: impl Iterator<Item = &'f str>) -> Self {
        Self::in_list(String::new(), fields)
    }

    /// By the names of those fields in the elements of a list, `customers[].`: its name says of nobody who they are, as
    /// the name of a table does not.
    pub fn in_list<'f>(list: String, fields: impl Iterator<Item = &'f str>) -> Self {
        let fields: Vec<String> = fields.map(|field| within(&list, field).to_owned()).collect();
        Self { here: fields.iter().map(|field| role(field)).collect(), fields, list }
    }

    fn role(&self, field: &str) -> BTreeSet<String> {
        role(within(&self.list, field))
    }

    /// Whether a record is the person's own rather than one in which they are somebody's manager or agent.
    pub fn is_own(&self) -> bool {
        self.here.iter().any(|role| role.iter().all(|word| SELF.contains(&word.as_str())))
    }

    /// Whether a field is about whoever fills another role of those in which a record is somebody's own: beside
    /// `employee_email` that led here, `customer_email` is the customer's, and so is the record. An employee beside a
    /// customer is there for them.
    pub fn has_rival(&self, field: &str) -> bool {
        let is_own = Self::new(std::iter::once(within(&self.list, field))).is_own();
        !self.has(field) && is_own && !self.role(field).contains(EMPLOYEE)
    }

    /// Whether the person stands in a record as an employee only.
    pub fn is_employee(&self) -> bool {
        !self.here.is_empty() && self.here.iter().all(|role| role.contains(EMPLOYEE))
    }

    /// Whether a field is about another of those who stand in the record in one role, told apart by numbers: beside
    /// `holder1_email` that led here, `holder2_name`.
    pub fn is_other_number(&self, field: &str) -> bool {
        let Some(here) = number(field) else { return false };
        let mut led = self.fields.iter().filter(|led| role(led) == self.role(field)).map(|led| number(led)).peekable();
        led.peek().is_some() && led.all(|number| number.is_some_and(|number| number != here))
    }

    /// Whether two fields are about the same role, whatever their numbers.
    pub fn is_same_role(&self, one: &str, other: &str) -> bool {
        self.role(one) == self.role(other)
    }

    /// Whether a field is named after whose record it is.
    pub fn is_self(&self, field: &str) -> bool {
        let role = self.role(field);
        !role.is_empty() && role.iter().all(|word| SELF.contains(&word.as_str()))
    }

    /// Whether a field is about the person.
    pub fn has(&self, field: &str) -> bool {
        let role = self.role(field);
        let plain =
            || self.here.iter().all(BTreeSet::is_empty) && role.iter().all(|word| SELF.contains(&word.as_str()));
        role.is_empty() || self.here.contains(&role) || plain()
    }
}

fn within<'f>(list: &str, field: &'f str) -> &'f str {
    field.strip_prefix(list).unwrap_or(field)
}

/// The list that all of these fields are of, `customers[].`, if the elements of one are records; else nothing.
pub(super) fn list_of<'f>(mut fields: impl Iterator<Item = &'f str>) -> String {
    let list = |field: &'f str| {
        field.find("[].").map(|at| &field[..at + 3]).filter(|list| !list[..list.len() - 3].contains('.'))
    };
    let Some(first) = fields.next().and_then(list) else { return String::new() };
    if fields.all(|field| field.starts_with(first)) { first.to_owned() } else { String::new() }
}

/// Whether a key refers to a thing that is somebody's rather than to people, and its field is named after it: `order_id`
/// of an item. Whose such a record is, the record of the thing says.
pub(super) fn is_of_a_thing(field: &str, table: &str) -> bool {
    let of_table: String = words(table).concat();
    let one = of_table.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let one = one.or_else(|| of_table.strip_suffix('s').map(str::to_owned)).unwrap_or_else(|| of_table.clone());
    let mut of_field: String = words(field).concat();
    for suffix in ["uuid", "guid", "id", "key", "no", "number", "fk", "ref"] {
        of_field = of_field.strip_suffix(suffix).map_or(of_field.clone(), str::to_owned);
    }
    let is_named_after = of_field.is_empty() || of_field == of_table || of_field == one || one.ends_with(&of_field);
    is_named_after && !is_named_after_people(table) && !is_of_staff(table)
}

/// Whether a table is of people who act for others.
pub(super) fn is_of_staff(table: &str) -> bool {
    words(table).iter().any(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        [word.as_str(), one].iter().any(|word| STAFF.contains(word) || RELATIONS.contains(word))
    })
}

/// Whether a table is named after people of whom records are kept: `customers`, `app_users`.
pub(in crate::request) fn is_named_after_people(table: &str) -> bool {
    let words = words(table);
    let Some(last) = words.last() else { return false };
    SELF.contains(&last.strip_suffix('s').unwrap_or(last))
}

/// Whether the name of a field says that it holds another person's name, address or number.
pub(super) fn is_of_another(field: &str) -> bool {
    let words = words(field);
    let is = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    is(&RELATIONS) && is(&PERSONAL)
}

/// Whether the name of a field says that it holds what identifies somebody.
pub(super) fn is_personal(field: &str) -> bool {
    words(field).iter().any(|word| PERSONAL.contains(&word.as_str()))
}

/// Whether the names of two fields say that one person has both: `email` and `work_email`, `email` and `email2`, or two of
/// a list `emails[]`. `email1` and `email2` do not.
pub(super) fn is_plural_of_one(first: &str, second: &str) -> bool {
    if first == second {
        return role(first).is_empty() && first.contains("[]");
    }
    let is_neutral = |field: &str| words(field).iter().any(|word| NEUTRAL.contains(&word.as_str()));
    let is_further = number(first).is_none() && number(second).is_some() && role(second).is_empty();
    is_further || number(first) == number(second) && (is_neutral(first) || is_neutral(second))
}

/// The numbers in a field's name that tell one of several from the others: `1` of `holder1_email`, none of `sha256`.
pub(super) fn number(field: &str) -> Option<String> {
    let (mut numbers, mut word, mut digits) = (Vec::new(), String::new(), String::new());
    for c in field.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            let last = words(&word).pop().unwrap_or_default();
            if !NUMBERED.contains(&last.as_str()) {
                numbers.push(std::mem::take(&mut digits));
            }
            digits.clear();
            word.clear();
        }
        word.push(c);
    }
    (!numbers.is_empty()).then(|| numbers.join("."))
}

/// Words that a number belongs to, and not to who is meant.
const NUMBERED: [&str; 14] =
    ["sha", "md", "base", "utf", "ipv", "v", "line", "address", "addr", "street", "last", "level", "oauth", "h"];

/// What the name of a field says beside what it holds.
fn role(field: &str) -> BTreeSet<String> {
    let is_said = |word: &String| !KINDS.contains(&word.as_str()) && !PERSONAL.contains(&word.as_str());
    words(field).into_iter().map(singular).filter(is_said).filter(|word| !NEUTRAL.contains(&word.as_str())).collect()
}

/// A word for whose record it is, or for what identifies somebody, as one: `holders` of a list.
fn singular(word: String) -> String {
    let mut one = [word.strip_suffix('s'), word.strip_suffix("es")].into_iter().flatten();
    let known = |one: &&str| SELF.contains(one) || PERSONAL.contains(one);
    one.find(known).map_or_else(|| word.clone(), str::to_owned)
}

/// The words of a name: `shipTo_email2` is ship, to, email.
fn words(field: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for c in field.chars() {
        if !c.is_alphabetic() || (was_lower && c.is_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Words for what identifies somebody.
const PERSONAL: [&str; 31] = [
    "email",
    "mail",
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "fax",
    "name",
    "names",
    "firstname",
    "lastname",
    "fullname",
    "surname",
    "forename",
    "fname",
    "lname",
    "dob",
    "birth",
    "birthday",
    "birthdate",
    "ssn",
    "address",
    "addr",
    "username",
    "login",
    "nickname",
    "handle",
    "street",
    "zip",
    "postcode",
];

/// Other words for what a field holds.
const KINDS: [&str; 34] = [
    "e", "first", "last", "given", "family", "middle", "full", "date", "of", "line", "city", "state", "postal", "code",
    "country", "id", "number", "no", "num", "nr", "key", "uuid", "guid", "hash", "hashed", "sha", "md", "digest",
    "social", "security", "prefix", "suffix", "title", "initial",
];

/// Words that make no other person of somebody.
const NEUTRAL: [&str; 38] = [
    "home",
    "work",
    "primary",
    "secondary",
    "alternate",
    "alternative",
    "alt",
    "personal",
    "business",
    "billing",
    "mailing",
    "contact",
    "contacts",
    "old",
    "new",
    "previous",
    "current",
    "verified",
    "normalized",
    "preferred",
    "display",
    "legal",
    "raw",
    "text",
    "value",
    "profile",
    "payload",
    "data",
    "details",
    "info",
    "context",
    "meta",
    "metadata",
    "attributes",
    "properties",
    "client",
    "private",
    "day",
];

/// Words for those who act for others.
const STAFF: [&str; 8] = ["employee", "emp", "staff", "worker", "technician", "operator", "salesperson", "courier"];

/// Whose record it is, unless somebody else's.
const EMPLOYEE: &str = "employee";

/// Words for whose record it is.
const SELF: [&str; 21] = [
    "user",
    "customer",
    "member",
    "account",
    "consumer",
    "patient",
    "person",
    "subject",
    "subscriber",
    "applicant",
    "guest",
    "visitor",
    "buyer",
    "cardholder",
    "holder",
    "employee",
    "student",
    "requester",
    "candidate",
    "tenant",
    "lead",
];

/// Words for somebody else.
const RELATIONS: [&str; 42] = [
    "spouse",
    "partner",
    "wife",
    "husband",
    "child",
    "kid",
    "son",
    "daughter",
    "mother",
    "father",
    "parent",
    "guardian",
    "sibling",
    "brother",
    "sister",
    "emergency",
    "beneficiary",
    "dependent",
    "referrer",
    "referred",
    "referee",
    "manager",
    "supervisor",
    "boss",
    "agent",
    "rep",
    "advisor",
    "doctor",
    "physician",
    "nurse",
    "lawyer",
    "attorney",
    "roommate",
    "neighbor",
    "colleague",
    "recipient",
    "sender",
    "assignee",
    "reviewer",
    "approver",
    "relative",
    "friend",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beside_one_that_led_here_are_the_persons_if_they_are_about_the_same_role() {
        let cases: [(&[&str], &str, bool); 18] = [
            (&["email"], "first_name", true),
            (&["email"], "billing_phone", true),
            (&["email"], "customer_name", true),
            (&["email"], "manager_email", false),
            (&["email"], "emergency_contact_phone", false),
            (&["email"], "shipping_name", false),
            (&["requester_email"], "requester_name", true),
            (&["requester_email"], "agent_name", false),
            (&["requester_email"], "user_email", false),
            (&["requester_email"], "phone", true),
            (&["customer_id"], "customerEmail", true),
            (&["customer_id"], "user_email", false),
            (&["customer_id"], "context.client.email", true),
            (&["payload.user.email"], "payload.user.name", true),
            (&["payload.user.email"], "payload.agent.name", false),
            (&["email2"], "homePhone", true),
            (&["id"], "spouse.email", false),
            (&["email"], "date_of_birth", true),
        ];
        for (here, field, expected) in cases {
            assert_eq!(Roles::new(here.iter().copied()).has(field), expected, "{here:?} {field}");
        }
        for (here, field, expected) in [
            ("employee_email", "customer_email", true),
            ("customer_email", "employee_email", false),
            ("user_email", "guest_name", true),
            ("customer_id", "customerEmail", false),
            ("email", "customer_email", false),
            ("customer_email", "phone", false),
            ("customer_email", "agent_email", false),
        ] {
            assert_eq!(Roles::new([here].into_iter()).has_rival(field), expected, "{here} {field}");
        }
        for (field, expected) in
            [("agent_email", false), ("email", true), ("customer_id", true), ("manager.name", false)]
        {
            assert_eq!(Roles::new([field].into_iter()).is_own(), expected, "{field}");
        }
        for (field, expected) in [
            ("spouse_name", true),
            ("driver_license", false),
            ("manager_approved", false),
            ("emergencyContactPhone", true),
        ] {
            assert_eq!(is_of_another(field), expected, "{field}");
        }
    }

    #[test]
    fn the_name_of_a_list_says_as_little_as_that_of_a_table() {
        let fields = ["crew[].email", "crew[].city", "crew[].agent_email"];
        assert_eq!(list_of(fields.into_iter()), "crew[].");
        assert_eq!(list_of(["crew[].email", "total"].into_iter()), "");
        assert_eq!(list_of(["a.crew[].email"].into_iter()), "");
        let roles = Roles::in_list("crew[].".to_owned(), ["crew[].email"].into_iter());
        assert!(roles.is_own() && roles.has("crew[].first_name") && !roles.has("crew[].agent_email"));
        for (field, table, expected) in [
            ("order_id", "orders", true),
            ("oid", "o", true),
            ("order", "orders", true),
            ("referring_order_id", "orders", false),
            ("employee_id", "employees", false),
            ("emp_id", "emp", false),
            ("customer_id", "customers", false),
        ] {
            assert_eq!(is_of_a_thing(field, table), expected, "{field} {table}");
        }
    }

    #[test]
    fn numbers_tell_one_holder_from_the_other() {
        for (led, field, expected) in [
            (&["holder1_email"][..], "holder2_email", true),
            (&["holder1_email"], "holder_2_name", true),
            (&["holder1_email"], "holder1_phone", false),
            (&["email1"], "name2", true),
            (&["email"], "email2", false),
            (&["email1", "email2"], "phone2", false),
            (&["email1"], "address2", false),
            (&["email1"], "email_sha256", false),
            (&["holder1_email"], "balance", false),
        ] {
            assert_eq!(Roles::new(led.iter().copied()).is_other_number(field), expected, "{led:?} {field}");
        }
        for (first, second, expected) in [
            ("email", "work_email", true),
            ("email", "email2", true),
            ("email1", "email2", false),
            ("emails[]", "emails[]", true),
            ("email", "user_email", false),
        ] {
            assert_eq!(is_plural_of_one(first, second), expected, "{first} {second}");
        }
    }

    #[test]
    fn a_name_is_theirs_if_all_of_it_is() {
        let mut known = Known::default();
        let fp = |n: u8| Fingerprint([n; 16]);
        known.add(Type::PersonName, fp(1), b"Jane");
        known.add(Type::PersonName, fp(2), b"Roe");
        for (name, expected) in [
            ("Jane Roe", true),
            ("ROE Jane", true),
            ("J. Roe", true),
            ("Ms. Roe", true),
            ("Daniel Roe", false),
            ("Kim Poe", false),
            ("Jane R. Poe", false),
        ] {
            assert_eq!(known.has(Type::PersonName, fp(9), name.as_bytes()), expected, "{name}");
        }
        assert!(known.has(Type::Email, fp(1), b"") && !known.has(Type::Email, fp(3), b"jane@example.com"));
    }
}
