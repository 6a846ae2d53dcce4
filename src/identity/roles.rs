//! In which role a person stands in a record, by the names of its fields: beside `requester_email` that led there,
//! `requester_name` is theirs and `agent_name` is not.

use std::collections::BTreeSet;

use super::words::{EMPLOYEE, KINDS, NEUTRAL, NUMBERED, PERSONAL, RELATIONS, SELF, STAFF, words};

/// The roles in which a person stands in a record, by the fields that led there.
pub(crate) struct Roles {
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
pub(crate) fn list_of<'f>(mut fields: impl Iterator<Item = &'f str>) -> String {
    let list = |field: &'f str| {
        field.find("[].").map(|at| &field[..at + 3]).filter(|list| !list[..list.len() - 3].contains('.'))
    };
    let Some(first) = fields.next().and_then(list) else { return String::new() };
    if fields.all(|field| field.starts_with(first)) { first.to_owned() } else { String::new() }
}

/// Whether a key refers to a thing that is somebody's rather than to people, and its field is named after it: `order_id`
/// of an item. Whose such a record is, the record of the thing says.
pub(crate) fn is_of_a_thing(field: &str, table: &str) -> bool {
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
pub(crate) fn is_of_staff(table: &str) -> bool {
    words(table).iter().any(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        [word.as_str(), one].iter().any(|word| STAFF.contains(word) || RELATIONS.contains(word))
    })
}

/// Whether a table is named after people of whom records are kept: `customers`, `app_users`.
pub(crate) fn is_named_after_people(table: &str) -> bool {
    let words = words(table);
    let Some(last) = words.last() else { return false };
    SELF.contains(&last.strip_suffix('s').unwrap_or(last))
}

/// Whether the name of a field says that it holds another person's name, address or number.
pub(crate) fn is_of_another(field: &str) -> bool {
    let words = words(field);
    let is = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    is(&RELATIONS) && is(&PERSONAL)
}

/// Whether the name of a field says that it holds what identifies somebody.
pub(crate) fn is_personal(field: &str) -> bool {
    words(field).iter().any(|word| PERSONAL.contains(&word.as_str()))
}

/// Whether the names of two fields say that one person has both: `email` and `work_email`, `email` and `email2`, or two of
/// a list `emails[]`. `email1` and `email2` do not.
pub(crate) fn is_plural_of_one(first: &str, second: &str) -> bool {
    if first == second {
        return role(first).is_empty() && first.contains("[]");
    }
    let is_neutral = |field: &str| words(field).iter().any(|word| NEUTRAL.contains(&word.as_str()));
    let is_further = number(first).is_none() && number(second).is_some() && role(second).is_empty();
    is_further || number(first) == number(second) && (is_neutral(first) || is_neutral(second))
}

/// The numbers in a field's name that tell one of several from the others: `1` of `holder1_email`, none of `sha256`.
pub(crate) fn number(field: &str) -> Option<String> {
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

/// What the name of a field says beside what it holds.
pub(super) fn role(field: &str) -> BTreeSet<String> {
    let is_said = |word: &String| !KINDS.contains(&word.as_str()) && !PERSONAL.contains(&word.as_str());
    words(field).into_iter().map(singular).filter(is_said).filter(|word| !NEUTRAL.contains(&word.as_str())).collect()
}

/// A word for whose record it is, or for what identifies somebody, as one: `holders` of a list.
fn singular(word: String) -> String {
    let mut one = [word.strip_suffix('s'), word.strip_suffix("es")].into_iter().flatten();
    let known = |one: &&str| SELF.contains(one) || PERSONAL.contains(one);
    one.find(known).map_or_else(|| word.clone(), str::to_owned)
}

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
}
