//! Which keys say that a record is somebody else's: an order that names its recipient is its customer's.

use crate::identity::claim::{PeopleTables, is_related};
use crate::identity::roles::{Roles, is_named_after_people};
use crate::index::{IndexError, Reader};
use crate::scan::keys::Role;

/// What the tables of people say of records in which somebody stands and to which no key of theirs has led.
pub(super) struct Owners<'r> {
    tables: PeopleTables<'r>,
}

impl<'r> Owners<'r> {
    pub fn new(reader: &'r Reader) -> Self {
        Self { tables: PeopleTables::new(reader) }
    }

    /// Whether a key of this domain says that a record is another's, in which somebody stands in these fields.
    ///
    /// It has to refer to a table in which people stand. A contact's key of a company says nothing: there the person's
    /// own field is named after nobody else, and the table not after people.
    pub fn say_it_is_anothers(&self, domain: &str, fields: &[&str]) -> Result<bool, IndexError> {
        let Some((table, _)) = domain.rsplit_once('.') else { return Ok(false) };
        if !self.tables.has(domain)? {
            return Ok(false);
        }
        let name = table.rsplit('.').next().unwrap_or(table);
        Ok(is_named_after_people(name) || !Roles::new(fields.iter().copied()).is_own())
    }

    /// Whether a key of this domain refers to a table in which people stand.
    pub fn is_of_people(&self, domain: &str) -> Result<bool, IndexError> {
        self.tables.has(domain)
    }

    /// Whether a key that names somebody in a role says that a record of this object is another's as well: a referral is
    /// the referrer's and the friend's. Who looks after a customer has no part in the customer's record.
    pub fn say_it_is_also_anothers(
        &self,
        object: &str,
        (key, domain): (&str, &str),
        fields: &[&str],
    ) -> Result<bool, IndexError> {
        let name = object.rsplit('.').next().unwrap_or(object);
        if is_named_after_people(name) || !self.tables.has(domain)? {
            return Ok(false);
        }
        Ok(is_related(key, Role::Mentions, domain) || !Roles::new(fields.iter().copied()).is_own())
    }
}
