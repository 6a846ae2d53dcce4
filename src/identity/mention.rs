//! Mentions: an identifier that stands in a field of its own in a record that is another's.
//!
//! `referred_by` of a customer, `assigned_to` of a ticket and `gift_to` of an order hold addresses as `email` does, and say
//! nothing of whose the record is. What tells is who else stands there, in a field that says so more plainly: beside a
//! customer's name or address the one who referred them is mentioned. Where the names of two fields say nothing, their
//! values do (see [`super::inclusion`]); where those say nothing either, the record is taken for everybody's who stands in
//! it, as one with two holders is.
//!
//! A mention makes nobody's identifier several people's, leads to nothing, and is all that an erasure takes out of the
//! record.

use std::collections::HashSet;

use residuum_detect::{Fingerprint, Type};

use super::claim::{PeopleTables, table_name};
use super::records::Links;
use super::roles::{is_plural_of_one, role};
use super::words::{self, words};
use crate::index::{Finding, IndexError};
use crate::scan::keys::Role;

impl Links<'_> {
    /// What the name of the field says in which something was found.
    fn plainly(&mut self, finding: &Finding) -> Plainly {
        let field = (finding.object_id, finding.field.clone());
        *self.plainly.entry(field).or_insert_with(|| plainly(&finding.field, &finding.object))
    }
}

/// How plainly the name of a field says that its record is about whoever stands in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Plainly {
    /// They do something with it: `approved_by`, `agent_email`.
    Acting,
    /// They are somebody to the one it is about: `referrer_email`, `cc`.
    Related,
    /// The name does not tell: `notify`, `c7`.
    Unclear,
    /// An employee, whose it is if nobody else stands there.
    Employee,
    /// It is about them: `email`, `customer_email`, `work_email`.
    About,
}

/// Whether something found in a record, here with all that stands there, only mentions the one whose it is: the record is
/// another's. `theirs` is what else is known to be of the same person.
pub(super) fn is_mention_of(
    found: &Finding,
    here: &[Finding],
    theirs: &HashSet<Fingerprint>,
    links: &mut Links<'_>,
    tables: &PeopleTables<'_>,
) -> Result<bool, IndexError> {
    let plainly = links.plainly(found);
    let is_another = |of: &&Finding| of.field != found.field && !theirs.contains(&of.fp);
    let is_alike = |of: &&Finding| is_ones_own(of.kind) && of.kind == found.kind;
    if plainly > Plainly::Related
        && !(is_ones_own(found.kind) && here.iter().filter(is_another).any(|of| is_alike(&of)))
    {
        return Ok(false);
    }
    if !links.is_typed(found)? {
        return Ok(false);
    }
    let (mut is_alone, mut as_plain) = (true, Vec::new());
    for of in here.iter().filter(is_another).filter(|of| says_who(of.kind)) {
        if !links.is_typed(of)? {
            continue;
        }
        let plainly_other = links.plainly(of);
        is_alone &= plainly > Plainly::Related || role(&of.field) != role(&found.field);
        let tells = plainly <= Plainly::Related || is_alike(&of);
        if !tells || plainly_other < plainly || is_plural_of_one(&of.field, &found.field) {
            continue;
        }
        if plainly_other > plainly {
            return Ok(true);
        }
        if plainly_other == plainly && is_alike(&of) {
            as_plain.push(of);
        }
    }
    if plainly > Plainly::Related {
        for of in as_plain {
            if links.refers_to_another(found, of)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    for of in here.iter().filter(is_another) {
        if let Some((Role::Belongs, domain)) = Role::of_rule(&of.rule)
            && tables.has(domain)?
        {
            return Ok(true);
        }
    }
    // What somebody has approved is not theirs; a seller who has a name there is whom it is about.
    Ok(plainly == Plainly::Acting && is_alone)
}

/// Whether an object is named after people of whom records are kept: `main.customers`, `data/staff.csv`.
pub(crate) fn is_of_people(object: &str) -> bool {
    words::is_named_after_people(table_name(object))
}

/// Whether the name of a field says less plainly that a record is about who stands there than those in which its person
/// stands.
pub(crate) fn is_mentioned_beside<'f>(field: &str, object: &str, mut persons: impl Iterator<Item = &'f str>) -> bool {
    let said = plainly(field, object);
    persons.any(|own| plainly(own, object) > said && !is_plural_of_one(own, field))
}

/// Whether each person has one of their own.
const fn is_ones_own(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::UsSsn | Type::UsItin)
}

/// Whether a value of this type says who somebody is.
const fn says_who(kind: Type) -> bool {
    is_ones_own(kind) || matches!(kind, Type::PersonName | Type::DateOfBirth | Type::Phone | Type::Username)
}

/// What the name of a field says, in an object whose name may say the same of everybody in it.
fn plainly(field: &str, object: &str) -> Plainly {
    let said = role(field);
    let table = words(table_name(object));
    let table = table.last().map(|last| words::singular(last)).unwrap_or_default();
    let is_of_table = |word: &String| words::singular(word) == table;
    if said.is_empty() || said.len() == 1 && said.iter().all(is_of_table) {
        return Plainly::About;
    }
    let all = words(field);
    let is_of_self = |word: &String| {
        let word = words::singular(word);
        [&words::SERVED[..], &words::THEMSELVES].iter().any(|list| list.contains(&word.as_str()))
    };
    let has = |list: &[&str]| said.iter().any(|word| list.contains(&words::singular(word).as_str()));
    match () {
        () if words::act(&all) => Plainly::Acting,
        () if has(&words::RELATED) => Plainly::Related,
        () if said.iter().all(is_of_self) => Plainly::About,
        () if has(&words::EMPLOYEES) => Plainly::Employee,
        () => Plainly::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_field_says_how_plainly_a_record_is_about_who_stands_in_it() {
        for (field, object, expected) in [
            ("email", "main.customers", Plainly::About),
            ("work_email", "main.customers", Plainly::About),
            ("email2", "main.customers", Plainly::About),
            ("contact_email", "data/people.csv", Plainly::About),
            ("customerEmail", "main.tickets", Plainly::About),
            ("lead_email", "main.leads", Plainly::About),
            ("driver_email", "main.drivers", Plainly::About),
            ("driver_email", "main.trips", Plainly::Acting),
            ("account_manager_email", "main.customers", Plainly::Acting),
            ("referred_by", "main.customers", Plainly::Acting),
            ("approvedBy", "main.invoices", Plainly::Acting),
            ("assigned_to", "main.tickets", Plainly::Acting),
            ("ordered_by", "main.orders", Plainly::Unclear),
            ("gift_to", "main.orders", Plainly::Related),
            ("cc", "main.tickets", Plainly::Related),
            ("spouse_email", "main.customers", Plainly::Related),
            ("employee_email", "main.customers", Plainly::Employee),
            ("notify", "main.tickets", Plainly::Unclear),
            ("backup_person", "main.tickets", Plainly::Unclear),
        ] {
            assert_eq!(plainly(field, object), expected, "{field} of {object}");
        }
    }
}
