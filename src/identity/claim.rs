//! Whose a record is to which keys lead: of the one it was made for, not of everybody whom it names.
//!
//! A ticket is its customer's, not that of the employee who answers it; a department is not its head's. What a key says of
//! its record stands in its name, `support_rep_id`, or in that of the table it refers to, `customers`. Where two say the
//! same, or none says anything, the record is nobody's alone: deleting what is another's cannot be undone.

use std::cell::OnceCell;
use std::collections::HashSet;

use residuum_detect::{Fingerprint, Type};

use super::words::{self, words};
use crate::index::{Finding, IndexError, Reader};
use crate::scan::keys::{Role, table_of_domain};

/// What a key says of the record in which it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    /// It was made for whom it names: a customer, a patient.
    Served,
    /// It is of whom it names: a user, a member.
    Theirs,
    /// It is a part of what it names: an order's item.
    Part,
    /// It names an employee, whose it is if nobody else is named.
    Employee,
    /// It names somebody and not why.
    Unclear,
    /// It names somebody beside the one it is about: a friend, a sender.
    Related,
    /// It names somebody who did something with it: an agent, an approver.
    Serving,
}

impl Says {
    /// How much the record is of whom it names.
    const fn claim(self) -> u8 {
        match self {
            Self::Served => 5,
            Self::Theirs => 4,
            Self::Part => 3,
            Self::Employee => 2,
            Self::Unclear | Self::Related | Self::Serving => 0,
        }
    }

    /// How much it speaks against another, if it names a person. In doubt it speaks more against than for.
    const fn against(self) -> u8 {
        match self {
            Self::Served => 5,
            Self::Theirs | Self::Related => 4,
            Self::Unclear | Self::Part => 2,
            Self::Employee | Self::Serving => 1,
        }
    }
}

/// The tables in which people stand, read when the first unclear key is asked about.
pub(crate) struct PeopleTables<'r> {
    reader: &'r Reader,
    tables: OnceCell<Tables>,
}

/// As domains begin.
#[derive(Default)]
struct Tables {
    /// With a name, an address or a number of somebody.
    any: HashSet<String>,
    /// With more than names, which products have as well.
    certain: HashSet<String>,
}

impl<'r> PeopleTables<'r> {
    pub fn new(reader: &'r Reader) -> Self {
        Self { reader, tables: OnceCell::new() }
    }

    /// Whether people stand in the table of a domain, be it with names alone.
    pub fn has(&self, domain: &str) -> Result<bool, IndexError> {
        let Some((table, _)) = domain.rsplit_once('.') else { return Ok(false) };
        Ok(self.tables()?.any.contains(table))
    }

    /// Whether people stand in the table of a domain with more than names.
    fn certainly_has(&self, domain: &str) -> Result<bool, IndexError> {
        let Some((table, _)) = domain.rsplit_once('.') else { return Ok(false) };
        Ok(self.tables()?.certain.contains(table))
    }

    fn tables(&self) -> Result<&Tables, IndexError> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let mut tables = Tables::default();
        for field in self.reader.fields()? {
            let has = |kinds: &[Type]| field.types.iter().any(|of| kinds.contains(&of.kind));
            let is_certain = has(&[Type::Email, Type::DateOfBirth, Type::UsSsn, Type::UsItin]);
            if is_certain || has(&[Type::PersonName]) {
                let table = table_of_domain(&field.source, &field.object);
                if is_certain {
                    tables.certain.insert(table.clone());
                }
                tables.any.insert(table);
            }
        }
        Ok(self.tables.get_or_init(|| tables))
    }

    /// Whether a record is somebody's to whom these keys in it have led: they say so, and no key says more strongly, or as
    /// strongly, that it is another's.
    pub(super) fn is_theirs(&self, record: &[Finding], led: &[Fingerprint]) -> Result<bool, IndexError> {
        let (mut claim, mut against) = (0, 0);
        for finding in record {
            let Some((role, domain)) = Role::of_rule(&finding.rule) else { continue };
            let is_led = led.contains(&finding.fp);
            match role {
                Role::Own if is_led => return Ok(true),
                Role::Own => {}
                _ if is_led => claim = claim.max(claim_of(finding, role, domain)),
                _ => against = against.max(self.against(&finding.field, role, domain)?),
            }
        }
        Ok(claim > against)
    }

    /// Whether a record in which somebody stands names another person by a key that is not theirs.
    pub(super) fn names_another(&self, record: &[Finding], led: &[Fingerprint]) -> Result<bool, IndexError> {
        for finding in record.iter().filter(|finding| !led.contains(&finding.fp)) {
            match Role::of_rule(&finding.rule) {
                Some((Role::Own, _)) | None => {}
                Some((role, domain)) if self.against(&finding.field, role, domain)? > 0 => return Ok(true),
                Some(_) => {}
            }
        }
        Ok(false)
    }

    /// How much a key speaks against whoever it does not name; nothing if it names no person.
    fn against(&self, field: &str, role: Role, domain: &str) -> Result<u8, IndexError> {
        let says = says(field, role, domain);
        Ok(match says {
            Says::Unclear | Says::Part if !self.certainly_has(domain)? => 0,
            Says::Theirs | Says::Related | Says::Serving if !self.has(domain)? => 0,
            says => says.against(),
        })
    }
}

/// Whether a key names somebody beside the one its record is about, such as a referrer.
pub(crate) fn is_related(field: &str, role: Role, domain: &str) -> bool {
    says(field, role, domain) == Says::Related
}

/// Whether the name of a field says that who stands there is not the one the record is about: `friend_email`, `agent`.
pub(super) fn is_of_a_role(field: &str) -> bool {
    let words = words(field);
    words::act(&words) || words.iter().any(|word| words::RELATED.contains(&word.as_str()))
}

/// How much a record is of whom one of its keys names.
fn claim_of(finding: &Finding, role: Role, domain: &str) -> u8 {
    let says = says(&finding.field, role, domain);
    // A customer is nobody's because an employee looks after them.
    let is_a_person = words::is_named_after_people(table_name(&finding.object));
    if is_a_person && says == Says::Employee { 0 } else { says.claim() }
}

/// What a key says by its name, or by that of its table.
fn says(field: &str, role: Role, domain: &str) -> Says {
    let table = table_name(domain.rsplit_once('.').map_or(domain, |(table, _)| table));
    let table = words::singular(words(table).last().map_or("", String::as_str));
    let words: Vec<String> = words(field).into_iter().filter(|word| !words::is_of_key(word)).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let is_named_after_table = words.last().is_some_and(|word| words::singular(word) == table) && words.len() == 1;
    if words::act(&words) && !(is_named_after_table && table == "lead") {
        return Says::Serving;
    }
    if has(&words::RELATED) && !is_named_after_table {
        return Says::Related;
    }
    let of_word = |word: &str| match word {
        word if words::SERVED.contains(&word) => Some(Says::Served),
        word if words::EMPLOYEES.contains(&word) => Some(Says::Employee),
        word if words::THEMSELVES.contains(&word) => Some(Says::Theirs),
        _ => None,
    };
    if let Some(says) = words.iter().rev().find_map(|word| of_word(&words::singular(word))) {
        return says;
    }
    match role {
        Role::Mentions | Role::Refers if !words.is_empty() => Says::Unclear,
        _ => of_word(&table).unwrap_or(Says::Part),
    }
}

/// The last part of a table's or a file's name, without what says which format it has.
pub(super) fn table_name(object: &str) -> &str {
    const FORMATS: [&str; 12] =
        ["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "avro", "bson", "xlsx", "xls", "ods", "gz"];
    let mut parts = object.rsplit(['.', '/', '!']).filter(|part| !part.is_empty());
    parts.find(|part| !FORMATS.contains(part)).unwrap_or(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_key_says_whose_its_record_is() {
        for (field, role, domain, expected) in [
            ("customer_id", Role::Belongs, "crm.customers.id", Says::Served),
            ("cust", Role::Belongs, "crm.customers.id", Says::Served),
            ("id", Role::Belongs, "files.data/customers.csv.id", Says::Served),
            ("cid", Role::Belongs, "crm.c.id", Says::Part),
            ("userId", Role::Belongs, "crm.app_users.id", Says::Theirs),
            ("order_id", Role::Belongs, "crm.orders.id", Says::Part),
            ("employee_id", Role::Belongs, "crm.employees.id", Says::Employee),
            ("staff_id", Role::Belongs, "crm.staff.id", Says::Employee),
            ("owner_id", Role::Belongs, "crm.owners.id", Says::Part),
            ("lead_id", Role::Belongs, "crm.leads.id", Says::Theirs),
            ("support_rep_id", Role::Refers, "crm.emp.id", Says::Serving),
            ("SupportRepId", Role::Mentions, "crm.Employee.EmployeeId", Says::Serving),
            ("agent_id", Role::Belongs, "crm.agents.id", Says::Serving),
            ("account_manager", Role::Refers, "crm.emp.id", Says::Serving),
            ("manager_staff_id", Role::Belongs, "crm.staff.id", Says::Serving),
            ("lead_id", Role::Refers, "crm.emp.id", Says::Serving),
            ("head", Role::Refers, "crm.emp.id", Says::Serving),
            ("head_id", Role::Refers, "crm.emp.id", Says::Serving),
            ("handled_by", Role::Refers, "crm.emp.id", Says::Serving),
            ("createdBy", Role::Refers, "crm.users.id", Says::Serving),
            ("updatedby", Role::Refers, "crm.users.id", Says::Serving),
            ("assigned_to", Role::Refers, "crm.emp.id", Says::Serving),
            ("managerid", Role::Refers, "crm.emp.id", Says::Serving),
            ("ordered_by", Role::Refers, "crm.people.id", Says::Unclear),
            ("owner_id", Role::Refers, "crm.emp.id", Says::Related),
            ("friend_id", Role::Refers, "crm.users.id", Says::Related),
            ("referrer_id", Role::Mentions, "crm.customers.id", Says::Related),
            ("from_user_id", Role::Refers, "crm.users.id", Says::Related),
            ("zustand", Role::Refers, "crm.personen.id", Says::Unclear),
        ] {
            assert_eq!(says(field, role, domain), expected, "{field} → {domain}");
        }
    }
}
