//! Which keys say that a record is somebody else's: an order that names its recipient is its customer's.

use std::cell::OnceCell;
use std::collections::HashSet;

use residuum_detect::Type;

use super::disclosure::whose::{Roles, is_named_after_people};
use crate::index::{IndexError, Reader};

/// Tables of people, read when the first key is asked about.
pub(super) struct Owners<'r> {
    reader: &'r Reader,
    tables: OnceCell<HashSet<String>>,
}

impl<'r> Owners<'r> {
    pub fn new(reader: &'r Reader) -> Self {
        Self { reader, tables: OnceCell::new() }
    }

    /// Whether a key of this domain says that a record is another's, in which somebody stands in these fields and to which
    /// no key of theirs has led.
    ///
    /// It has to refer to a table in which people stand. A contact's key of a company says nothing: there the person's
    /// own field is named after nobody else, and the table not after people.
    pub fn say_it_is_anothers(&self, domain: &str, fields: &[&str]) -> Result<bool, IndexError> {
        let Some((table, _)) = domain.rsplit_once('.') else { return Ok(false) };
        if !self.tables()?.contains(table) {
            return Ok(false);
        }
        let name = table.rsplit('.').next().unwrap_or(table);
        Ok(is_named_after_people(name) || !Roles::new(fields.iter().copied()).is_own())
    }

    /// The tables in which people stand, as domains begin.
    fn tables(&self) -> Result<&HashSet<String>, IndexError> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let mut tables = HashSet::new();
        for field in self.reader.fields()? {
            let is_of_people =
                |kind| matches!(kind, Type::PersonName | Type::Email | Type::DateOfBirth | Type::UsSsn | Type::UsItin);
            if field.types.iter().any(|of| is_of_people(of.kind)) {
                tables.insert(crate::scan::keys::table_of_domain(&field.source, &field.object));
            }
        }
        Ok(self.tables.get_or_init(|| tables))
    }
}
